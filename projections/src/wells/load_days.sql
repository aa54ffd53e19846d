SELECT to_jsonb(injection_day)
  FROM injection_day
  JOIN unnest($2::uuid[], $3::date[]) AS touched (well_id, day) USING (well_id, day)
 WHERE ledger_id = $1 AND to_index IS NULL
