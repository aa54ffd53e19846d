SELECT date_trunc('month', day::timestamp)::date AS start, site, well_id, sum(mass_g) AS injected,
       sum(mass_g) FILTER (WHERE approved) AS approved, count(*) AS days,
       array_agg(from_index ORDER BY from_index) AS indexes
  FROM rm_wells.injection_day
 WHERE ledger_id = $1 AND to_index IS NULL
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
