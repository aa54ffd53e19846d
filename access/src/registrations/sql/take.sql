UPDATE access.accounts AS taken
SET waiting_since = NULL
FROM access.accounts AS waiting
WHERE taken.account_id = $1 AND waiting.account_id = $1
  AND taken.organisation = $2 AND taken.waiting_since IS NOT NULL
RETURNING waiting.waiting_since
