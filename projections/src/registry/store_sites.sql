INSERT INTO site
SELECT * FROM jsonb_populate_recordset(NULL::site, $1)
ON CONFLICT (id) DO UPDATE
   SET ledger = excluded.ledger,
       display_name = excluded.display_name,
       registered_at = excluded.registered_at,
       first_index = excluded.first_index,
       retired = excluded.retired,
       last_index = excluded.last_index
