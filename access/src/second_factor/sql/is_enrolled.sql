SELECT EXISTS (
    SELECT FROM access.second_factors WHERE account_id = $1 AND confirmed_at IS NOT NULL
)
