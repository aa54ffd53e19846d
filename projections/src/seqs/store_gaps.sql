INSERT INTO gap
SELECT * FROM jsonb_populate_recordset(NULL::gap, $1)
ON CONFLICT (device_id, boot, from_seq) DO UPDATE
   SET to_seq        = excluded.to_seq,
       noticed_index = excluded.noticed_index,
       filled_index  = excluded.filled_index,
       named_index   = excluded.named_index
