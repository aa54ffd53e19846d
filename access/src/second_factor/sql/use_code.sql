UPDATE access.recovery_codes
SET used_at = now()
WHERE account_id = $1 AND code_sha256 = $2 AND used_at IS NULL
