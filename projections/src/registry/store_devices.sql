INSERT INTO device
SELECT * FROM jsonb_populate_recordset(NULL::device, $1)
ON CONFLICT (id) DO UPDATE
   SET ledger = excluded.ledger,
       registered_at = excluded.registered_at,
       first_index = excluded.first_index,
       asset = excluded.asset,
       keys = excluded.keys,
       credential = excluded.credential,
       decommissioned = excluded.decommissioned,
       last_index = excluded.last_index
