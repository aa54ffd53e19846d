UPDATE unit
   SET to_index = next.index
  FROM (SELECT ledger_id, unit_id, min(from_index) AS index
          FROM jsonb_populate_recordset(NULL::unit, $1)
         GROUP BY ledger_id, unit_id) AS next
 WHERE unit.ledger_id = next.ledger_id AND unit.unit_id = next.unit_id AND unit.to_index IS NULL;
INSERT INTO unit SELECT * FROM jsonb_populate_recordset(NULL::unit, $1)
