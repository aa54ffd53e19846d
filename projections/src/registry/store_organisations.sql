INSERT INTO organisation
SELECT * FROM jsonb_populate_recordset(NULL::organisation, $1)
ON CONFLICT (id) DO UPDATE
   SET ledger = excluded.ledger,
       display_name = excluded.display_name,
       registered_at = excluded.registered_at,
       first_index = excluded.first_index,
       last_index = excluded.last_index
