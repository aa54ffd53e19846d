-- $1 ledger, $2 indexes, $3 and $4 first and last day of recorded_at (prunes the partitions)
SELECT index, media, salt, bytes
FROM payloads
WHERE ledger_id = $1 AND index = ANY ($2::bigint[])
UNION ALL
SELECT index, media, salt, bytes
FROM batch_payloads
WHERE ledger_id = $1 AND index = ANY ($2::bigint[]) AND day BETWEEN $3 AND $4
