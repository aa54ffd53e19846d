-- One more, and how long the next must wait; no row where this one must. Where one is forgotten after the
-- other ($5 > 0), `last_at` says until when they are.
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
ON CONFLICT (who) DO UPDATE SET (failures, last_at, blocked_until) = (
    SELECT n,
        CASE WHEN $5 > 0 AND NOT old THEN kept.last_at + gone * $5 * interval '1 s' ELSE now() END,
        now() + interval '1 s' * CASE WHEN n < $2 THEN 0 WHEN n < $3 THEN 2 ^ (n - $2) ELSE $4 END
    FROM (
        SELECT old, gone, CASE WHEN old THEN 1 ELSE greatest(kept.failures - gone, 0) + 1 END AS n
        FROM (
            SELECT kept.last_at < now() - $4 * interval '1 s' AS old,
                CASE WHEN $5 > 0 THEN floor(extract(epoch FROM now() - kept.last_at) / $5)::int ELSE 0 END AS gone
        ) AS since
    ) AS counted
)
WHERE kept.blocked_until <= now()
RETURNING failures
