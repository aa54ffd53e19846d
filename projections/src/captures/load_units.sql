SELECT to_jsonb(unit)
  FROM unit
 WHERE ledger_id = $1 AND unit_id = ANY ($2) AND to_index IS NULL
