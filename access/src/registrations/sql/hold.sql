UPDATE access.accounts
SET deciding_until = now() + $3 * interval '1 s'
WHERE account_id = $1 AND organisation = $2 AND waiting_since IS NOT NULL
