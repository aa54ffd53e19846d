SELECT account_id, username, mail, waiting_since
FROM access.accounts
WHERE organisation = $1 AND waiting_since IS NOT NULL
ORDER BY waiting_since, account_id
