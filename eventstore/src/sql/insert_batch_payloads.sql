INSERT INTO batch_payloads (ledger_id, index, day, media, salt, bytes)
SELECT $1, * FROM UNNEST($2::bigint[], $3::date[], $4::text[], $5::bytea[], $6::bytea[])
