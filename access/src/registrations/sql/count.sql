SELECT count(*)
FROM access.accounts
WHERE organisation = $1 AND waiting_since IS NOT NULL
