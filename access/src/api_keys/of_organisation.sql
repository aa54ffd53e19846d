SELECT credential_id, key_id, organisation, label, prefix, secret_sha256, last_used_at
FROM access.api_keys
WHERE organisation = $1
ORDER BY created_at, credential_id
