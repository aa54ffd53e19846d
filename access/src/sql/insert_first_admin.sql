INSERT INTO access.accounts (account_id, username, password_hash, role, must_change_password)
SELECT $1, $2, $3, 'admin', true
WHERE NOT EXISTS (SELECT FROM access.accounts)
