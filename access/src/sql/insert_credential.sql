INSERT INTO access.device_credentials (credential_id, ledger, device_id, secret_sha256)
VALUES ($1, $2, $3, $4)
