-- $1 ledgers, $2 streams, $3 versions, $4 versions of the code that folds and $5 states, side by side
INSERT INTO snapshots (ledger_id, stream, version, code_version, state)
SELECT * FROM UNNEST($1::int[], $2::text[], $3::bigint[], $4::int[], $5::bytea[])
ON CONFLICT (ledger_id, stream) DO UPDATE
SET version = EXCLUDED.version, code_version = EXCLUDED.code_version, state = EXCLUDED.state
