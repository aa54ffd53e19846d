INSERT INTO sealed_hour (ledger_id, device_id, hour, index)
VALUES ($1, $2, $3, $4)
ON CONFLICT (device_id, hour, ledger_id) DO UPDATE SET index = excluded.index
