INSERT INTO batch_day (ledger_id, device_id, day, index)
SELECT $1, * FROM unnest($2::uuid[], $3::date[], $4::bigint[])
