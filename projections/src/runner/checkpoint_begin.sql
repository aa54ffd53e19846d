INSERT INTO checkpoint (ledger_id, next_index)
VALUES ($1, 0)
ON CONFLICT DO NOTHING
