SELECT site_id, from_day, until_day, average_kg_per_h, set_index, from_index, to_index
  FROM target
 WHERE ledger_id = $1 AND site_id = ANY ($2) AND to_index IS NULL
