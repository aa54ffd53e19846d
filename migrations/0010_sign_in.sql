-- What signing in rests on: sessions and their refresh tokens, failed attempts, second factors,
-- invitations. Ordinary tables, whose rows can be erased; no secret is in them that opens anything
-- by itself: tokens and recovery codes are kept as SHA-256, a second factor is encrypted by a key
-- of the keys folder.

SET LOCAL ROLE sealrock_owner;

-- A row for each sign-in. No foreign key: a session that was revoked with its account's erasure is
-- read until its last access token has expired.
CREATE TABLE access.sessions (
    session_id      uuid        PRIMARY KEY,
    account_id      uuid        NOT NULL,
    renewable       boolean     NOT NULL,           -- a browser's, by refresh tokens
    opened_at       timestamptz NOT NULL DEFAULT now(),
    used_at         timestamptz NOT NULL DEFAULT now(),
    stepped_up_at   timestamptz NOT NULL DEFAULT now(),
    idle_until      timestamptz NOT NULL,           -- ends then, unless it is refreshed before
    ends_at         timestamptz NOT NULL,           -- ends then at the latest
    revoked_at      timestamptz,
    revoked_because text        CHECK (revoked_because IN ('sign-out', 'revoked', 'password', 'reuse', 'account')),
    address         text,
    client          text                            -- what the client calls itself
);

CREATE INDEX sessions_by_account ON access.sessions (account_id, opened_at);
CREATE INDEX sessions_revoked ON access.sessions (revoked_at) WHERE revoked_at IS NOT NULL;

-- All tokens of a session, the used ones too: one that is used again ends the session.
CREATE TABLE access.refresh_tokens (
    token_sha256 bytea       PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    session_id   uuid        NOT NULL REFERENCES access.sessions ON DELETE CASCADE,
    issued_at    timestamptz NOT NULL DEFAULT now(),
    used_at      timestamptz
);

CREATE INDEX refresh_tokens_by_session ON access.refresh_tokens (session_id);

-- Attempts to sign in that were not right, by what was typed as a name and by address.
CREATE TABLE access.sign_in_attempts (
    who           text        PRIMARY KEY,          -- name/<SHA-256>, or address/<address>
    failures      integer     NOT NULL,
    last_at       timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX sign_in_attempts_by_time ON access.sign_in_attempts (last_at);

CREATE TABLE access.second_factors (
    account_id   uuid        PRIMARY KEY REFERENCES access.accounts ON DELETE CASCADE,
    secret       bytea       NOT NULL,              -- AES-256-GCM: nonce, ciphertext, tag
    confirmed_at timestamptz,                       -- asked for from then on
    last_step    bigint      NOT NULL DEFAULT 0     -- of the last code that was taken
);

CREATE TABLE access.recovery_codes (
    account_id  uuid        NOT NULL REFERENCES access.second_factors ON DELETE CASCADE,
    code_sha256 bytea       NOT NULL CHECK (octet_length(code_sha256) = 32),
    used_at     timestamptz,
    PRIMARY KEY (account_id, code_sha256)
);

CREATE TABLE access.invitations (
    invitation_id uuid        PRIMARY KEY,
    token_sha256  bytea       NOT NULL UNIQUE CHECK (octet_length(token_sha256) = 32),
    organisation  text        NOT NULL,
    role          text        NOT NULL,
    sites         text[],                           -- none: all of the organisation
    invited_by    uuid        NOT NULL,
    invited_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    account_id    uuid,                             -- who accepted it
    revoked_at    timestamptz
);

CREATE INDEX invitations_by_organisation ON access.invitations (organisation, invited_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON
    access.sessions, access.refresh_tokens, access.sign_in_attempts,
    access.second_factors, access.recovery_codes, access.invitations
TO sealrock_app;

-- The migrator goes on in the same transaction, as itself.
RESET ROLE;
