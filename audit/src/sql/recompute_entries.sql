-- $1 ledger, from index $2 to before $3
SELECT index, entry, leaf_hash
FROM events
WHERE ledger_id = $1 AND index >= $2 AND index < $3
ORDER BY index
