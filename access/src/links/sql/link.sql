-- Answers whom the subject is, linked now or before.
INSERT INTO access.oidc_links AS kept (issuer, subject, account_id)
VALUES ($1, $2, $3)
ON CONFLICT (issuer, subject) DO UPDATE SET account_id = kept.account_id
RETURNING account_id
