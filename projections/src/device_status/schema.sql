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
);

