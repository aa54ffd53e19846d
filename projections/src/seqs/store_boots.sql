INSERT INTO boot
SELECT * FROM jsonb_populate_recordset(NULL::boot, $1)
ON CONFLICT (device_id, boot) DO UPDATE
   SET min_seq    = excluded.min_seq,
       max_seq    = excluded.max_seq,
       last_index = excluded.last_index
