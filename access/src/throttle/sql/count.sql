-- One more, and how long the next must wait; no row where this one must.
WITH forgotten AS (
    DELETE FROM access.sign_in_attempts
    WHERE who IN (
        SELECT who FROM access.sign_in_attempts
        WHERE last_at < now() - $4 * interval '1 s' AND blocked_until <= now() AND who <> $1
        ORDER BY last_at
        LIMIT 10
        FOR UPDATE SKIP LOCKED
    )
)
INSERT INTO access.sign_in_attempts AS kept (who, failures, last_at, blocked_until)
VALUES ($1, 1, now(), now())
ON CONFLICT (who) DO UPDATE SET
    failures = CASE
        WHEN kept.last_at < now() - $4 * interval '1 s' THEN 1
        ELSE kept.failures + 1
    END,
    last_at = now(),
    blocked_until = now() + interval '1 s' * CASE
        WHEN kept.last_at < now() - $4 * interval '1 s' OR kept.failures + 1 < $2 THEN 0
        WHEN kept.failures + 1 < $3 THEN 2 ^ (kept.failures + 1 - $2)
        ELSE $4
    END
WHERE kept.blocked_until <= now()
RETURNING failures
