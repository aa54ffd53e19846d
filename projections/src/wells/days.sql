-- For each that is asked about ($3 site, $4 well, $5 first day, $6 last day, $7 approved; NULL for any),
-- the $10 days behind ($8, $9). $1 ledger, $2 as of. Bounds instead of "or": a range is looked up by an
-- index.
SELECT asked.number, to_jsonb(held)
  FROM (SELECT number, site, approved, coalesce(first_day, '-infinity') AS first_day,
               coalesce(last_day, 'infinity') AS last_day,
               coalesce(well, '00000000-0000-0000-0000-000000000000') AS first_well,
               coalesce(well, 'ffffffff-ffff-ffff-ffff-ffffffffffff') AS last_well
          FROM unnest($3::text[], $4::uuid[], $5::date[], $6::date[], $7::boolean[]) WITH ORDINALITY
               AS one (site, well, first_day, last_day, approved, number)) AS asked
 CROSS JOIN LATERAL (
       SELECT *
         FROM rm_wells.injection_day
        WHERE ledger_id = $1
          AND coalesce(from_index <= $2::bigint, true)
          AND (to_index IS NULL OR to_index > $2::bigint)
          AND (asked.site IS NULL OR site = asked.site)
          AND well_id BETWEEN asked.first_well AND asked.last_well
          AND day BETWEEN asked.first_day AND asked.last_day
          AND (asked.approved IS NULL OR approved = asked.approved)
          AND coalesce((day, well_id) < ($8::date, $9::uuid), true)
        ORDER BY day DESC, well_id DESC
        LIMIT $10) AS held
 ORDER BY asked.number, held.day DESC, held.well_id DESC
