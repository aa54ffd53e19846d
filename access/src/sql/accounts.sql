SELECT account_id, username, role, organisation, must_change_password, waiting_since IS NOT NULL AS waiting, created_at
FROM access.accounts
ORDER BY username
