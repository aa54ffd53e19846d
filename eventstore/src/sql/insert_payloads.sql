INSERT INTO payloads (ledger_id, index, media, salt, bytes)
SELECT $1, * FROM UNNEST($2::bigint[], $3::text[], $4::bytea[], $5::bytea[])
