SELECT to_jsonb(well)
  FROM well
 WHERE ledger_id = $1 AND well_id = ANY ($2) AND to_index IS NULL
