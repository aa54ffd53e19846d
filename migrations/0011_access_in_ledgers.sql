-- Who may do what is in ledgers: rows hold what may be erased, and open nothing by themselves.

SET LOCAL ROLE sealrock_owner;

-- The roles that were missing. The table is small, so checking its rows takes no time.
ALTER TABLE access.accounts DROP CONSTRAINT accounts_role_check;
ALTER TABLE access.accounts ADD CONSTRAINT accounts_role_check CHECK (
    role IN (
        'admin', 'auditor', 'operator', 'site-manager', 'hq-manager', 'maintenance', 'mrv',
        'verifier', 'regulator', 'registry', 'holder'
    )
);

-- Whether the ledger of its organisation says what the account may do, and not the row's role:
-- then it may do nothing before an entry names it. Rows from before are taken into the ledger when a
-- server starts.
ALTER TABLE access.accounts ADD COLUMN in_ledger boolean NOT NULL DEFAULT false;

-- Secrets of API keys. One opens nothing until an entry of the organisation's ledger names its
-- credential_id: the row is written first, the entry second.
CREATE TABLE access.api_keys (
    credential_id uuid        PRIMARY KEY,
    key_id        uuid        NOT NULL,
    organisation  text        NOT NULL,
    label         text        NOT NULL,
    prefix        text        NOT NULL UNIQUE,
    secret_sha256 bytea       NOT NULL CHECK (octet_length(secret_sha256) = 32),
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz                           -- to the quarter of an hour
);
CREATE INDEX api_keys_by_organisation ON access.api_keys (organisation);

-- Which ledgers to ask what an organisation was granted by others. A row grants nothing: what holds
-- is what the ledger of `organisation` says.
CREATE TABLE access.grants (
    grantee      text NOT NULL,
    organisation text NOT NULL,
    PRIMARY KEY (grantee, organisation)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON access.api_keys, access.grants TO sealrock_app;

-- The migrator goes on in the same transaction, as itself.
RESET ROLE;
