SELECT account_id, organisation
FROM access.accounts
WHERE waiting_since < now() - interval '30 days' AND coalesce(deciding_until < now(), true)
ORDER BY waiting_since
LIMIT 20
