UPDATE access.invitations
SET revoked_at = now()
WHERE invitation_id = $1 AND organisation = $2
  AND account_id IS NULL AND revoked_at IS NULL AND expires_at > now()
