SELECT session_id, account_id, stepped_up_at,
       revoked_at IS NULL AND least(idle_until, ends_at) > now() AS open,
       token.used_at IS NOT NULL AS used,
       coalesce(token.used_at > clock_timestamp() - $2 * interval '1 s', false) AS just_used
FROM access.refresh_tokens AS token
JOIN access.sessions USING (session_id)
WHERE token_sha256 = $1
