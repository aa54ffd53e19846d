INSERT INTO access.recovery_codes (account_id, code_sha256)
SELECT $1, unnest($2::bytea[])
