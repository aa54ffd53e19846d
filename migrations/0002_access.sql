-- Accounts and credentials: ordinary tables, whose rows can be changed and erased. The ledger
-- only ever names their ids.

CREATE SCHEMA access AUTHORIZATION sealrock_owner;
SET LOCAL ROLE sealrock_owner;

CREATE TABLE access.accounts (
    account_id           uuid        PRIMARY KEY,
    username             text        NOT NULL UNIQUE CHECK (username = lower(username)),
    password_hash        text        NOT NULL,  -- argon2id, as a PHC string with its salt and parameters
    role                 text        NOT NULL CHECK (role IN ('admin')),
    must_change_password boolean     NOT NULL,
    created_at           timestamptz NOT NULL DEFAULT now()
);

-- A row opens nothing until an event of the device's stream names its credential_id: the row is
-- written first, the entry second, so that no entry ever names a secret that is not there.
CREATE TABLE access.device_credentials (
    credential_id uuid        PRIMARY KEY,
    ledger        text        NOT NULL,
    device_id     uuid        NOT NULL,
    secret_sha256 bytea       NOT NULL CHECK (octet_length(secret_sha256) = 32),
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX device_credentials_by_device ON access.device_credentials (device_id);

GRANT USAGE ON SCHEMA access TO sealrock_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON access.accounts, access.device_credentials TO sealrock_app;

-- What comes after in this session, such as the note that this migration ran, is the login's again.
RESET ROLE;
