INSERT INTO site
SELECT * FROM jsonb_populate_recordset(NULL::site, $1)
ON CONFLICT (id) DO UPDATE
   SET display_name = excluded.display_name,
       retired = excluded.retired,
       last_index = excluded.last_index
