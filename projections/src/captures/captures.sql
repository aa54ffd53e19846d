-- For each that is asked about ($2 site, $3 unit, $4 first day, $5 last day; NULL for any), the $9 records
-- behind ($7, $8). $1 ledger, $6 as of. Bounds instead of "or": a range is looked up by an index.
SELECT asked.number, to_jsonb(capture), to_jsonb(approval)
  FROM (SELECT number, site, coalesce(first_day, '-infinity') AS first_day,
               coalesce(last_day, 'infinity') AS last_day,
               coalesce(unit, '00000000-0000-0000-0000-000000000000') AS first_unit,
               coalesce(unit, 'ffffffff-ffff-ffff-ffff-ffffffffffff') AS last_unit
          FROM unnest($2::text[], $3::uuid[], $4::date[], $5::date[]) WITH ORDINALITY
               AS one (site, unit, first_day, last_day, number)) AS asked
 CROSS JOIN LATERAL (
       SELECT *
         FROM rm_captures.capture
        WHERE ledger_id = $1
          AND (asked.site IS NULL OR site = asked.site)
          AND unit_id BETWEEN asked.first_unit AND asked.last_unit
          AND day BETWEEN asked.first_day AND asked.last_day
          AND coalesce(from_index <= $6::bigint, true)
          AND (to_index IS NULL OR to_index > $6::bigint)
          AND coalesce((from_at, unit_id) < ($7::timestamptz, $8::uuid), true)
        ORDER BY from_at DESC, unit_id DESC
        LIMIT $9) AS capture
  LEFT JOIN rm_captures.approval
    ON approval.ledger_id = capture.ledger_id AND approval.unit_id = capture.unit_id
   AND approval.day = capture.day AND coalesce(approval.index <= $6::bigint, true)
 ORDER BY asked.number, capture.from_at DESC, capture.unit_id DESC
