UPDATE access.accounts
SET in_ledger = true, waiting_since = NULL
WHERE account_id = $1
