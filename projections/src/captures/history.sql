-- $1 ledger, $2 unit, $3 beginning of the period, $4 as of
SELECT to_jsonb(capture), to_jsonb(approval)
  FROM rm_captures.capture
  LEFT JOIN rm_captures.approval
    ON approval.ledger_id = capture.ledger_id AND approval.unit_id = capture.unit_id
   AND approval.day = capture.day AND coalesce(approval.index <= $4::bigint, true)
 WHERE capture.ledger_id = $1 AND capture.unit_id = $2 AND from_at = $3
   AND coalesce(from_index <= $4::bigint, true)
 ORDER BY from_index
