-- For each record that is asked about ($2 units, $3 beginnings of their periods), its versions. $1 ledger,
-- $4 as of
SELECT asked.number, to_jsonb(capture), to_jsonb(approval)
  FROM unnest($2::uuid[], $3::timestamptz[]) WITH ORDINALITY AS asked (unit_id, from_at, number)
  JOIN rm_captures.capture
    ON capture.ledger_id = $1 AND capture.unit_id = asked.unit_id AND capture.from_at = asked.from_at
   AND coalesce(capture.from_index <= $4::bigint, true)
  LEFT JOIN rm_captures.approval
    ON approval.ledger_id = capture.ledger_id AND approval.unit_id = capture.unit_id
   AND approval.day = capture.day AND coalesce(approval.index <= $4::bigint, true)
 ORDER BY asked.number, capture.from_index
