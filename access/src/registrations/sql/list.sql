SELECT account_id, username, mail, registration_code, waiting_since, coalesce(deciding_until >= now(), false) AS held
FROM access.accounts
WHERE organisation = $1 AND waiting_since IS NOT NULL
ORDER BY waiting_since, account_id
