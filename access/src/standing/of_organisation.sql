SELECT account_id, username, role, organisation, in_ledger
FROM access.accounts
WHERE organisation = $1
ORDER BY username
