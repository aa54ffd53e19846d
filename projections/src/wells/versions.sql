-- $1 ledger, $2 as of, $3 well, $4 day
SELECT to_jsonb(injection_day)
  FROM rm_wells.injection_day
 WHERE ledger_id = $1 AND well_id = $3 AND day = $4 AND coalesce(from_index <= $2::bigint, true)
 ORDER BY from_index
