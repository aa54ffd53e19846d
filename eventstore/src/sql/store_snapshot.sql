INSERT INTO snapshots (ledger_id, stream, version, code_version, state)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ledger_id, stream) DO UPDATE
SET version = EXCLUDED.version, code_version = EXCLUDED.code_version, state = EXCLUDED.state
