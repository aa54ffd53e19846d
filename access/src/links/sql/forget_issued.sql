UPDATE access.accounts
SET password_hash = $2, must_change_password = false
WHERE account_id = $1 AND must_change_password
