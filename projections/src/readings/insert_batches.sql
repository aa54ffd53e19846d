INSERT INTO batch (ledger_id, index, device_id, from_at, to_at)
SELECT $1, * FROM unnest($2::bigint[], $3::uuid[], $4::timestamptz[], $5::timestamptz[])
