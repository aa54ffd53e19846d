SELECT c.next_index, m.version
  FROM checkpoint c CROSS JOIN read_model m
 WHERE c.ledger_id = $1
   FOR UPDATE OF c
