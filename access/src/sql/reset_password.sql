UPDATE access.accounts
SET password_hash = $2, must_change_password = true
WHERE username = $1
