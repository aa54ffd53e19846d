-- For each day of a well that is asked about ($3 wells, $4 days), its versions. $1 ledger, $2 as of
SELECT asked.number, to_jsonb(version)
  FROM unnest($3::uuid[], $4::date[]) WITH ORDINALITY AS asked (well_id, day, number)
  JOIN rm_wells.injection_day version
    ON version.ledger_id = $1 AND version.well_id = asked.well_id AND version.day = asked.day
   AND coalesce(version.from_index <= $2::bigint, true)
 ORDER BY asked.number, version.from_index
