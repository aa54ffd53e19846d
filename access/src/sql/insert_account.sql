INSERT INTO access.accounts (account_id, username, password_hash, role, must_change_password)
VALUES ($1, $2, $3, $4, true)
ON CONFLICT (username) DO NOTHING
