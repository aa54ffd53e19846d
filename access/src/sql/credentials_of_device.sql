SELECT credential_id, ledger, device_id, secret_sha256, created_at
FROM access.device_credentials
WHERE device_id = $1
ORDER BY created_at, credential_id
