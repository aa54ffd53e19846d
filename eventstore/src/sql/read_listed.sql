-- $1 ledger, $2 indexes. Names are qualified: read models read so in transactions of their own.
SELECT e.entry, e.leaf_hash, e.index, p.media, p.salt, p.bytes
FROM sealrock.events e
LEFT JOIN LATERAL (
    SELECT media, salt, bytes FROM sealrock.payloads WHERE ledger_id = $1 AND index = e.index
    UNION ALL
    SELECT media, salt, bytes FROM sealrock.batch_payloads
    WHERE ledger_id = $1 AND index = e.index AND day = (e.recorded_at AT TIME ZONE 'UTC')::date
    LIMIT 1
) AS p ON true
WHERE e.ledger_id = $1 AND e.index = ANY ($2::bigint[])
ORDER BY e.index
