-- Boots and gaps are in seqs/schema.sql.
CREATE TABLE device_status (
    device_id  uuid        PRIMARY KEY,
    ledger_id  integer     NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL,
    last_index bigint      NOT NULL,
    last_boot  text,
    last_seq   bigint,
    batches    bigint      NOT NULL,
    readings   bigint      NOT NULL,
    suspect    bigint      NOT NULL
) WITH (fillfactor = 50);

-- What each batch counted, so that an erased one can be taken out again.
CREATE TABLE batch (
    ledger_id   integer     NOT NULL,
    index       bigint      NOT NULL,
    device_id   uuid        NOT NULL,
    boot        text,
    seq         bigint,
    readings    bigint      NOT NULL,
    suspect     bigint      NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (ledger_id, index)
);
CREATE INDEX batch_by_device ON batch (device_id, index);

