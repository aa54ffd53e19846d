-- $3 is the entry behind which is looked.
SELECT site_id, from_day, until_day, average_kg_per_h, set_index, from_index, to_index
  FROM rm_targets.target
 WHERE ledger_id = $1 AND site_id = ANY ($2)
   AND from_index <= $3 AND (to_index IS NULL OR to_index > $3)
 ORDER BY site_id, from_day
