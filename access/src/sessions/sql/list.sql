SELECT session_id, renewable, opened_at, used_at, least(idle_until, ends_at) AS ends_at, address, client
FROM access.sessions
WHERE account_id = $1 AND revoked_at IS NULL AND least(idle_until, ends_at) > now()
ORDER BY opened_at DESC, session_id
LIMIT 200
