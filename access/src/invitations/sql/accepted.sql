SELECT account_id, invitation_id, invitations.organisation, invitations.role, sites, invited_by, expires_at
FROM access.invitations
JOIN access.accounts USING (account_id)
WHERE invited_at > now() - interval '14 days'
ORDER BY invited_at, invitation_id
