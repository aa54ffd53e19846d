-- People of an organisation: what they do there, and the only organisation that they reach.
-- Administrators and auditors may be of none, and reach all of them then.

SET LOCAL ROLE sealrock_owner;

-- The organisation's slug. It is no foreign key: organisations are entries of ledgers.
ALTER TABLE access.accounts ADD COLUMN organisation text;

-- The table is small, so checking its rows under the lock takes no time.
ALTER TABLE access.accounts DROP CONSTRAINT accounts_role_check;
ALTER TABLE access.accounts ADD CONSTRAINT accounts_role_check CHECK (
    role IN ('admin', 'auditor', 'operator', 'site-manager', 'hq-manager', 'mrv', 'registry')
);
ALTER TABLE access.accounts ADD CONSTRAINT accounts_organisation_check CHECK (
    organisation IS NOT NULL OR role IN ('admin', 'auditor')
);

-- The migrator goes on in the same transaction, as itself.
RESET ROLE;
