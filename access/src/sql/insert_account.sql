INSERT INTO access.accounts (account_id, username, password_hash, role, organisation, must_change_password)
VALUES ($1, $2, $3, $4, $5, true)
ON CONFLICT (username) DO NOTHING
