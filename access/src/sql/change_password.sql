UPDATE access.accounts
SET password_hash = $3, must_change_password = false
WHERE account_id = $1 AND password_hash = $2
