
-- A device has rows of several ledgers where one continues another.

-- What can be derived anew when payloads are erased. One row for each batch and UTC day of its readings
-- that count; of a batch without such, for the day of its receipt. A batch has rows exactly as long as
-- its readings are in the tables of this model.
CREATE TABLE batch_day (
    device_id uuid    NOT NULL,
    day       date    NOT NULL,
    index     bigint  NOT NULL,
    ledger_id integer NOT NULL,
    PRIMARY KEY (device_id, day, ledger_id, index)
);
CREATE INDEX batch_day_by_index ON batch_day (ledger_id, index);

-- The newest seal of each window: its entry, and the first and last of its batches.
CREATE TABLE seal (
    device_id   uuid        NOT NULL,
    hour        timestamptz NOT NULL,
    ledger_id   integer     NOT NULL,
    index       bigint      NOT NULL,
    first_entry bigint      NOT NULL,
    last_entry  bigint      NOT NULL,
    PRIMARY KEY (device_id, hour, ledger_id)
);
CREATE INDEX seal_by_entry ON seal (ledger_id, first_entry);

-- Windows whose batches retention erased, and the seal that speaks for them since.
CREATE TABLE sealed_hour (
    device_id uuid        NOT NULL,
    hour      timestamptz NOT NULL,
    ledger_id integer     NOT NULL,
    index     bigint      NOT NULL,
    PRIMARY KEY (device_id, hour, ledger_id)
);
