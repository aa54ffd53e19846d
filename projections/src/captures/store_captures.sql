-- The version that holds until now is found by the key for each record, as in load_captures.sql, and
-- changed where it stands: joined by the key, a plan of a table without statistics compares all with all.
UPDATE capture
   SET to_index = ended.index
  FROM (SELECT next.index, held.place
          FROM (SELECT ledger_id, unit_id, from_at, min(from_index) AS index
                  FROM jsonb_populate_recordset(NULL::capture, $1)
                 GROUP BY ledger_id, unit_id, from_at) AS next
         CROSS JOIN LATERAL (SELECT c.ctid AS place
                               FROM capture c
                              WHERE c.ledger_id = next.ledger_id AND c.unit_id = next.unit_id
                                AND c.from_at = next.from_at AND c.to_index IS NULL
                             OFFSET 0) AS held) AS ended
 WHERE capture.ctid = ended.place;
INSERT INTO capture SELECT * FROM jsonb_populate_recordset(NULL::capture, $1)
