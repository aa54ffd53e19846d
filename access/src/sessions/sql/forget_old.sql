-- And some of those that ended long ago, whose account may be gone.
WITH ended AS (
    DELETE FROM access.sessions
    WHERE session_id IN (
        SELECT session_id FROM access.sessions
        WHERE revoked_at < now() - interval '30 days' AND account_id <> $1
        ORDER BY revoked_at
        LIMIT 10
        FOR UPDATE SKIP LOCKED
    )
)
DELETE FROM access.sessions
WHERE account_id = $1
  AND (least(idle_until, ends_at) < now() - interval '1 day' OR revoked_at < now() - interval '30 days')
