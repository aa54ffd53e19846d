SELECT account_id, username, role, organisation, in_ledger
FROM access.accounts
WHERE account_id = $1
