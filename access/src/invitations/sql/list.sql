SELECT invitation_id, organisation, role, sites, invited_by, expires_at
FROM access.invitations
WHERE organisation = $1 AND account_id IS NULL AND revoked_at IS NULL AND expires_at > now()
ORDER BY invited_at DESC, invitation_id
LIMIT 200
