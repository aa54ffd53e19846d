INSERT INTO access.api_keys (credential_id, key_id, organisation, label, prefix, secret_sha256)
VALUES ($1, $2, $3, $4, $5, $6)
