-- $1 ledger, $2 level, $3 first number, $4 number after the last
SELECT hashes
FROM tiles
WHERE ledger_id = $1 AND level = $2 AND n >= $3 AND n < $4
ORDER BY n
