-- An hour of a device. Boots and gaps are in seqs/schema.sql.
CREATE TABLE device_hour (
    device_id     uuid        NOT NULL,
    hour          timestamptz NOT NULL,
    ledger_id     integer     NOT NULL,
    -- When the first batch reached us that no seal holds; NULL if seals hold all.
    waiting_since timestamptz,
    -- The newest seal, and its number in the window's stream.
    seal_index    bigint,
    seals         bigint,
    sealed_at     timestamptz,
    batches       bigint,
    root          bytea,
    PRIMARY KEY (device_id, hour)
) WITH (fillfactor = 50);
CREATE INDEX device_hour_waiting ON device_hour (ledger_id, hour) WHERE waiting_since IS NOT NULL;

-- The batches that no seal holds.
CREATE TABLE unsealed (
    device_id   uuid        NOT NULL,
    hour        timestamptz NOT NULL,
    index       bigint      NOT NULL,
    ledger_id   integer     NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (device_id, hour, index)
);
CREATE INDEX unsealed_index ON unsealed (ledger_id, index);

-- The version of a device's stream of gaps.
CREATE TABLE gap_stream (
    device_id uuid   PRIMARY KEY,
    version   bigint NOT NULL
);

