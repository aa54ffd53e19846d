-- As long as an access token of the session may hold, and some clocks' difference.
SELECT session_id
FROM access.sessions
WHERE revoked_at > now() - interval '15 minutes'
