INSERT INTO well
SELECT * FROM jsonb_populate_recordset(NULL::well, $1)
ON CONFLICT (ledger_id, well_id, from_index) DO UPDATE SET to_index = excluded.to_index
