UPDATE access.sessions
SET stepped_up_at = now()
WHERE session_id = $1 AND revoked_at IS NULL AND least(idle_until, ends_at) > now()
RETURNING stepped_up_at
