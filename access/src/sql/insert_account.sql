INSERT INTO access.accounts (account_id, username, password_hash, role, organisation, must_change_password, in_ledger)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (username) DO NOTHING
