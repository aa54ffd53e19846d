-- Of who waits for a role nobody has said yet that it is the one who chose the password.
UPDATE access.accounts
SET password_hash = $2, must_change_password = false
WHERE account_id = $1 AND (must_change_password OR waiting_since IS NOT NULL)
