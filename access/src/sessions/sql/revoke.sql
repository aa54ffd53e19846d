-- One that has ended too: a token of it may hold a while longer.
UPDATE access.sessions
SET revoked_at = now(), revoked_because = $3
WHERE account_id = $1 AND session_id = $2 AND revoked_at IS NULL
