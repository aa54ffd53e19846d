INSERT INTO access.sessions (session_id, account_id, renewable, idle_until, ends_at, address, client)
VALUES ($1, $2, $3, now() + $4 * interval '1 s', now() + $5 * interval '1 s', $6, $7)
RETURNING stepped_up_at
