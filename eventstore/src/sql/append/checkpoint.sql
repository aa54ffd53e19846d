INSERT INTO checkpoints (ledger_id, size, note)
SELECT $1, $10, $30 FROM moved
