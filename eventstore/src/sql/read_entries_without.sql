-- $1 ledger, $2 first index, $3 index behind the last one, $4 type that is left out, $5 limit
SELECT entry, leaf_hash
FROM events
WHERE ledger_id = $1 AND index >= $2 AND index < $3 AND type <> $4
ORDER BY index
LIMIT $5
