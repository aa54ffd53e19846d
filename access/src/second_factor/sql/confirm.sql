UPDATE access.second_factors
SET confirmed_at = now(), last_step = $2
WHERE account_id = $1 AND confirmed_at IS NULL AND secret = $3
