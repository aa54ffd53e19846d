SELECT credential_id, key_id, organisation, label, prefix, secret_sha256, last_used_at
FROM access.api_keys
WHERE prefix = $1
