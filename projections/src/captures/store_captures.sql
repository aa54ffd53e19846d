-- The version that holds until now is found by the key for each record, as in load_captures.sql.
UPDATE capture
   SET to_index = ended.index
  FROM (SELECT next.ledger_id, next.unit_id, next.from_at, next.index, held.from_index
          FROM (SELECT ledger_id, unit_id, from_at, min(from_index) AS index
                  FROM jsonb_populate_recordset(NULL::capture, $1)
                 GROUP BY ledger_id, unit_id, from_at) AS next
         CROSS JOIN LATERAL (SELECT c.from_index
                               FROM capture c
                              WHERE c.ledger_id = next.ledger_id AND c.unit_id = next.unit_id
                                AND c.from_at = next.from_at AND c.to_index IS NULL
                             OFFSET 0) AS held) AS ended
 WHERE capture.ledger_id = ended.ledger_id AND capture.unit_id = ended.unit_id
   AND capture.from_at = ended.from_at AND capture.from_index = ended.from_index;
INSERT INTO capture SELECT * FROM jsonb_populate_recordset(NULL::capture, $1)
