-- A session that is not renewed lasts as long as the token that is issued now.
UPDATE access.sessions
SET idle_until = CASE WHEN renewable THEN idle_until ELSE greatest(idle_until, now() + $2 * interval '1 s') END,
    ends_at = CASE WHEN renewable THEN ends_at ELSE greatest(ends_at, now() + $2 * interval '1 s') END
WHERE session_id = $1 AND revoked_at IS NULL AND least(idle_until, ends_at) > now()
