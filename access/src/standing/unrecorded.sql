SELECT account_id, username, role, organisation, in_ledger
FROM access.accounts
WHERE organisation IS NOT NULL AND NOT in_ledger
ORDER BY created_at, account_id
