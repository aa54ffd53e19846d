UPDATE access.invitations
SET account_id = NULL
WHERE invitation_id = $1 AND account_id = $2
