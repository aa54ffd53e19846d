-- $1 ledger, $2 first index, $3 limit
SELECT entry, leaf_hash
FROM events
WHERE ledger_id = $1 AND index >= $2
ORDER BY index
LIMIT $3
