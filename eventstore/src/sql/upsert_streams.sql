INSERT INTO streams (ledger_id, stream, version)
SELECT $1, * FROM UNNEST($2::text[], $3::bigint[])
ON CONFLICT (ledger_id, stream) DO UPDATE SET version = EXCLUDED.version
