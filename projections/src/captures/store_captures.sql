UPDATE capture
   SET to_index = next.index
  FROM (SELECT ledger_id, unit_id, from_at, min(from_index) AS index
          FROM jsonb_populate_recordset(NULL::capture, $1)
         GROUP BY ledger_id, unit_id, from_at) AS next
 WHERE capture.ledger_id = next.ledger_id AND capture.unit_id = next.unit_id
   AND capture.from_at = next.from_at AND capture.to_index IS NULL;
INSERT INTO capture SELECT * FROM jsonb_populate_recordset(NULL::capture, $1)
