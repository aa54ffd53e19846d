INSERT INTO access.invitations
    (invitation_id, token_sha256, organisation, role, sites, invited_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 s')
RETURNING invitation_id, organisation, role, sites, invited_by, expires_at
