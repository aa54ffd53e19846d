-- As totals.sql, of now: days that hold are found by an index that has all that is added up.
-- $1 ledger, $2 is always NULL, $3 site, $4 well, $5 first day, $6 last day, $7 day, month, year or NULL,
-- $8 by site or well, $9 by well, $10 the most indexes
SELECT date_trunc($7, day::timestamp)::date AS start,
       CASE WHEN $8::boolean THEN site END AS of_site,
       CASE WHEN $9::boolean THEN well_id END AS of_well,
       sum(mass_g)::bigint AS injected_g,
       coalesce(sum(mass_g) FILTER (WHERE approved), 0)::bigint AS approved_g,
       coalesce(sum(mass_g) FILTER (WHERE creditable), 0)::bigint AS creditable_g,
       count(*) AS days,
       (array_agg(from_index ORDER BY from_index))[1:$10] AS indexes
  FROM rm_wells.injection_day
 WHERE ledger_id = $1
   AND to_index IS NULL
   AND $2::bigint IS NULL
   AND ($3::text IS NULL OR site = $3)
   AND ($4::uuid IS NULL OR well_id = $4)
   AND coalesce(day >= $5::date, true)
   AND coalesce(day <= $6::date, true)
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
