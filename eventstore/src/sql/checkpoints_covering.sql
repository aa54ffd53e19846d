-- $1 ledger, $2 and $3 first and last index: the checkpoints that are the first to contain one of these
-- entries, and those between
SELECT note
FROM checkpoints
WHERE ledger_id = $1 AND size > $2
  AND size <= (SELECT min(size) FROM checkpoints WHERE ledger_id = $1 AND size > $3)
ORDER BY size
