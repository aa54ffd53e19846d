INSERT INTO rm_runner.node (id, seen_at)
VALUES ($1, now())
ON CONFLICT (id) DO UPDATE SET seen_at = now()
