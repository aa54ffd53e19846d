UPDATE access.refresh_tokens AS unused
SET used_at = token.used_at
FROM access.refresh_tokens AS token
WHERE unused.session_id = $1 AND unused.used_at IS NULL AND token.token_sha256 = $2
