SELECT count(*) FROM access.recovery_codes WHERE account_id = $1 AND used_at IS NULL
