INSERT INTO asset
SELECT * FROM jsonb_populate_recordset(NULL::asset, $1)
ON CONFLICT (id) DO UPDATE
   SET retired = excluded.retired,
       last_index = excluded.last_index
