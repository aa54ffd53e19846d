UPDATE access.invitations
SET account_id = $2
WHERE invitation_id = $1 AND account_id IS NULL AND revoked_at IS NULL AND expires_at > now()
