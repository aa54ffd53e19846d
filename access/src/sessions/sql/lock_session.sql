SELECT session_id
FROM access.sessions
WHERE session_id = (SELECT session_id FROM access.refresh_tokens WHERE token_sha256 = $1)
FOR UPDATE
