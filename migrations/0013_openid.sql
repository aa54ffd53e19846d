-- Signing in by an OpenID provider: whom its subjects are, and which sign-ins came back.

SET LOCAL ROLE sealrock_owner;

CREATE TABLE access.oidc_links (
    issuer     text        NOT NULL,
    subject    text        NOT NULL,
    account_id uuid        NOT NULL REFERENCES access.accounts ON DELETE CASCADE,
    linked_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX oidc_links_by_account ON access.oidc_links (account_id);

-- A state is good once, even for who has the browser's cookie.
CREATE TABLE access.oidc_states (
    state_sha256 bytea       PRIMARY KEY CHECK (octet_length(state_sha256) = 32),
    used_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX oidc_states_by_time ON access.oidc_states (used_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON access.oidc_links, access.oidc_states TO sealrock_app;

-- The migrator goes on in the same transaction, as itself.
RESET ROLE;
