-- $1 ledger, $2 site, $3 unit, $4 as of, $5 first day, $6 last day, $7 day, month, year or NULL,
-- $8 the most indexes
WITH held AS (
    SELECT capture.*, approval.index IS NOT NULL AS approved
      FROM rm_captures.capture
      LEFT JOIN rm_captures.approval
        ON approval.ledger_id = capture.ledger_id AND approval.unit_id = capture.unit_id
       AND approval.day = capture.day AND coalesce(approval.index <= $4::bigint, true)
     WHERE capture.ledger_id = $1
       AND ($2::text IS NULL OR site = $2)
       AND ($3::uuid IS NULL OR capture.unit_id = $3)
       AND coalesce(from_index <= $4::bigint, true)
       AND (to_index IS NULL OR to_index > $4::bigint)
       AND coalesce(capture.day >= $5::date, true)
       AND coalesce(capture.day <= $6::date, true)
)
SELECT date_trunc($7, day::timestamp)::date AS start,
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
 GROUP BY 1
 ORDER BY 1
