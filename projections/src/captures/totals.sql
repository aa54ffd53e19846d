-- For each that is asked about ($2 site, $3 unit, $4 first day, $5 last day; NULL for any), the totals.
-- $1 ledger, $6 as of, $7 day, month, year or NULL, $8 the most indexes. Bounds as in captures.sql.
WITH asked AS (
    SELECT number, site, coalesce(first_day, '-infinity') AS first_day,
           coalesce(last_day, 'infinity') AS last_day,
           coalesce(unit, '00000000-0000-0000-0000-000000000000') AS first_unit,
           coalesce(unit, 'ffffffff-ffff-ffff-ffff-ffffffffffff') AS last_unit
      FROM unnest($2::text[], $3::uuid[], $4::date[], $5::date[]) WITH ORDINALITY
           AS one (site, unit, first_day, last_day, number)
),
held AS (
    SELECT asked.number, capture.*, approval.index IS NOT NULL AS approved
      FROM asked
      JOIN rm_captures.capture
        ON capture.ledger_id = $1
       AND (asked.site IS NULL OR capture.site = asked.site)
       AND capture.unit_id BETWEEN asked.first_unit AND asked.last_unit
       AND capture.day BETWEEN asked.first_day AND asked.last_day
       AND coalesce(capture.from_index <= $6::bigint, true)
       AND (capture.to_index IS NULL OR capture.to_index > $6::bigint)
      LEFT JOIN rm_captures.approval
        ON approval.ledger_id = capture.ledger_id AND approval.unit_id = capture.unit_id
       AND approval.day = capture.day AND coalesce(approval.index <= $6::bigint, true)
)
SELECT number, date_trunc($7, day::timestamp)::date AS start,
       sum(captured_g)::text AS captured_g,
       coalesce(sum(captured_g) FILTER (WHERE approved), 0)::text AS approved_g,
       coalesce(sum(captured_g) FILTER (WHERE measured_real), 0)::text AS real_g,
       sum(vented_g)::text AS vented_g,
       round(sum(electricity_kwh::numeric) * 1000000
             / nullif(sum(captured_g) FILTER (WHERE electricity_kwh IS NOT NULL), 0), 3)::text
           AS electricity,
       round(sum(heat_mj::numeric) * 1000000
             / nullif(sum(captured_g) FILTER (WHERE heat_mj IS NOT NULL), 0), 3)::text AS heat,
       count(*) AS records,
       (array_agg(from_index ORDER BY from_index))[1:$8] AS indexes
  FROM held
 GROUP BY 1, 2
 ORDER BY 1, 2
