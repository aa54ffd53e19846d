-- What authenticated devices sent and the platform could not take: an ordinary table, bounded
-- per device (crate sealrock-ingest), no part of the ledger.

CREATE SCHEMA ingest AUTHORIZATION sealrock_owner;
SET LOCAL ROLE sealrock_owner;

CREATE TABLE ingest.dead_letters (
    id           uuid        PRIMARY KEY,  -- UUIDv7: the order of ids is the order of time
    device_id    uuid        NOT NULL,
    organisation text        NOT NULL,
    received_at  timestamptz NOT NULL,
    via          text        NOT NULL,     -- mqtt:<topic> or http:/ingest
    reason       text        NOT NULL,     -- undecodable, too-large, conflict, refused, wrong-topic, media-type
    message      text        NOT NULL,
    bytes        bytea       NOT NULL CHECK (octet_length(bytes) <= 65536),  -- the beginning
    full_length  bigint      NOT NULL,
    sha256       bytea       NOT NULL CHECK (octet_length(sha256) = 32)      -- of all bytes
);

CREATE INDEX dead_letters_by_device ON ingest.dead_letters (device_id, id);
CREATE INDEX dead_letters_by_organisation ON ingest.dead_letters (organisation, id);

GRANT USAGE ON SCHEMA ingest TO sealrock_app;
GRANT SELECT, INSERT, DELETE ON ingest.dead_letters TO sealrock_app;

RESET ROLE;
