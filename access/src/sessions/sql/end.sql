UPDATE access.sessions
SET revoked_at = now(), revoked_because = $2
WHERE session_id = $1
