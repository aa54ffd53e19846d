SELECT session_id, account_id, stepped_up_at,
       token.used_at IS NOT NULL AS used,
       NOT EXISTS (
           SELECT FROM access.refresh_tokens AS other
           WHERE other.session_id = token.session_id AND other.used_at > token.used_at
       ) AS used_last,
       coalesce(token.used_at > clock_timestamp() - $2 * interval '1 s', false) AS just_used
FROM access.refresh_tokens AS token
JOIN access.sessions USING (session_id)
WHERE token_sha256 = $1 AND revoked_at IS NULL AND least(idle_until, ends_at) > now()
