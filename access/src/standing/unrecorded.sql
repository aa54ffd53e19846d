SELECT account_id, username, role, organisation, in_ledger
FROM access.accounts
WHERE organisation IS NOT NULL AND organisation = coalesce($1, organisation) AND NOT in_ledger
ORDER BY created_at, account_id
