SELECT secret, last_step
FROM access.second_factors
WHERE account_id = $1 AND confirmed_at IS NULL
