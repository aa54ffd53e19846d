DELETE FROM access.accounts
WHERE account_id = $1 AND organisation = $2 AND waiting_since IS NOT NULL
  AND coalesce(deciding_until < now(), true)
