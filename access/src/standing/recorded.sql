UPDATE access.accounts
SET in_ledger = true, waiting_since = NULL, deciding_until = NULL, registration_code = NULL
WHERE account_id = $1
