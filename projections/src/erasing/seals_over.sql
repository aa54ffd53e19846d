-- $1 ledger, $2 and $3 first and last index: seals that may hold a batch between them
SELECT index
  FROM seal
 WHERE ledger_id = $1 AND first_entry <= $3 AND last_entry >= $2
 ORDER BY index
