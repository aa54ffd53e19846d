-- $1 ledger, $2 its own stream, $3 types of the records that erase, $4 entries of the tree
SELECT index
FROM events
WHERE ledger_id = $1
  AND stream = $2
  AND type = ANY ($3)
  AND index < $4
ORDER BY index
