SELECT true
FROM access.accounts
WHERE account_id = $1 AND password_hash = $2
FOR SHARE
