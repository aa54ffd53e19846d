UPDATE access.sessions
SET used_at = now(), idle_until = now() + $2 * interval '1 s'
WHERE session_id = $1
