-- A registration stays where it is until an entry names its account; who decides on it holds it meanwhile.

SET LOCAL ROLE sealrock_owner;

-- Until then it is neither declined nor forgotten, because somebody is about to give it a role.
ALTER TABLE access.accounts ADD COLUMN deciding_until timestamptz;
-- What was told to who registered, for an administrator to hear it from them.
ALTER TABLE access.accounts ADD COLUMN registration_code text;

-- The migrator goes on in the same transaction, as itself.
RESET ROLE;
