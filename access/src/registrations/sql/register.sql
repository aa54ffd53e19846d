-- The role counts for nothing: the ledger is to say what the account may do.
INSERT INTO access.accounts
    (account_id, username, password_hash, role, organisation, must_change_password, in_ledger, mail,
     registration_code, waiting_since)
VALUES ($1, $2, $3, 'holder', $4, false, true, $5, $6, now())
ON CONFLICT (username) DO NOTHING
