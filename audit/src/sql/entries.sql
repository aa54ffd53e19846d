-- $1 ledger, $2 first index, $3 index after the last
SELECT entry
FROM events
WHERE ledger_id = $1 AND index >= $2 AND index < $3
ORDER BY index
