INSERT INTO access.second_factors AS kept (account_id, secret)
VALUES ($1, $2)
ON CONFLICT (account_id) DO UPDATE SET secret = $2, last_step = 0
WHERE kept.confirmed_at IS NULL
