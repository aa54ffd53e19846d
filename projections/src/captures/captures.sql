-- $1 ledger, $2 site, $3 unit, $4 as of, $5 first day, $6 last day, $7 and $8 the place to go on
-- behind, $9 limit
SELECT to_jsonb(capture), to_jsonb(approval)
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
   AND coalesce((from_at, capture.unit_id) < ($7::timestamptz, $8::uuid), true)
 ORDER BY from_at DESC, capture.unit_id DESC
 LIMIT $9
