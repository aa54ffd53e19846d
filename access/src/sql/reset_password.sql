UPDATE access.accounts
SET password_hash = $2, must_change_password = $3
WHERE username = $1
RETURNING account_id
