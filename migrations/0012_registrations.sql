-- People who register by themselves: their account waits until an administrator gives it a role.

SET LOCAL ROLE sealrock_owner;

-- Where somebody is reached, as they say. Erased with the account.
ALTER TABLE access.accounts ADD COLUMN mail text;
-- Null for everybody else.
ALTER TABLE access.accounts ADD COLUMN waiting_since timestamptz;

CREATE INDEX accounts_waiting ON access.accounts (organisation, waiting_since) WHERE waiting_since IS NOT NULL;

-- The migrator goes on in the same transaction, as itself.
RESET ROLE;
