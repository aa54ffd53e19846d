SELECT account_id, username, password_hash, role, organisation, must_change_password
FROM access.accounts
WHERE account_id = $1
