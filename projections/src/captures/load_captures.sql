SELECT DISTINCT to_jsonb(capture)
  FROM unnest($2::uuid[], $3::date[]) AS touched (unit_id, day)
  JOIN capture USING (unit_id, day)
 WHERE ledger_id = $1 AND to_index IS NULL
