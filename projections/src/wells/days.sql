-- $1 ledger, $2 as of, $3 site, $4 well, $5 first day, $6 last day, $7 approved, $8 and $9 the place
-- to go on behind, $10 limit
SELECT to_jsonb(injection_day)
  FROM rm_wells.injection_day
 WHERE ledger_id = $1
   AND coalesce(from_index <= $2::bigint, true)
   AND (to_index IS NULL OR to_index > $2::bigint)
   AND ($3::text IS NULL OR site = $3)
   AND ($4::uuid IS NULL OR well_id = $4)
   AND coalesce(day >= $5::date, true)
   AND coalesce(day <= $6::date, true)
   AND ($7::boolean IS NULL OR approved = $7)
   AND coalesce((day, well_id) < ($8::date, $9::uuid), true)
 ORDER BY day DESC, well_id DESC
 LIMIT $10
