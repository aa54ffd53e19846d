SELECT account_id, username, role, organisation, must_change_password, created_at
FROM access.accounts
ORDER BY username
