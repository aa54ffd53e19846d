INSERT INTO organisation
SELECT * FROM jsonb_populate_recordset(NULL::organisation, $1)
ON CONFLICT (id) DO UPDATE
   SET display_name = excluded.display_name,
       last_index = excluded.last_index
