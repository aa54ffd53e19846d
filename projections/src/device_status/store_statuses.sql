INSERT INTO device_status
SELECT * FROM jsonb_populate_recordset(NULL::device_status, $1)
ON CONFLICT (device_id) DO UPDATE
   SET ledger_id  = excluded.ledger_id,
       first_seen = excluded.first_seen,
       last_seen  = excluded.last_seen,
       last_index = excluded.last_index,
       last_boot  = excluded.last_boot,
       last_seq   = excluded.last_seq,
       batches    = excluded.batches,
       readings   = excluded.readings,
       suspect    = excluded.suspect
