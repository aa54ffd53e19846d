WITH forgotten AS (
    DELETE FROM access.oidc_states WHERE used_at < now() - $2 * interval '1 s'
)
INSERT INTO access.oidc_states (state_sha256)
VALUES ($1)
ON CONFLICT DO NOTHING
