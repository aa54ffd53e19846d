UPDATE access.sessions
SET revoked_at = now(), revoked_because = $3
WHERE account_id = $1 AND session_id IS DISTINCT FROM $2 AND revoked_at IS NULL
