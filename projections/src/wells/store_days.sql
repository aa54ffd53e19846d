INSERT INTO injection_day
SELECT * FROM jsonb_populate_recordset(NULL::injection_day, $1)
ON CONFLICT (ledger_id, well_id, day, from_index) DO UPDATE SET to_index = excluded.to_index
