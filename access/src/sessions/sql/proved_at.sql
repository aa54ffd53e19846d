UPDATE access.sessions
SET stepped_up_at = least(stepped_up_at, $2)
WHERE session_id = $1
RETURNING stepped_up_at
