INSERT INTO access.grants (grantee, organisation)
VALUES ($1, $2)
ON CONFLICT DO NOTHING
