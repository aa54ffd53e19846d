-- A boot's batches are all seqs from min to max that no open gap holds.
CREATE TABLE boot (
    device_id   uuid        NOT NULL,
    boot        text        NOT NULL,
    min_seq     bigint      NOT NULL,
    max_seq     bigint      NOT NULL,
    first_index bigint      NOT NULL,
    last_index  bigint      NOT NULL,
    first_seen  timestamptz NOT NULL,
    PRIMARY KEY (device_id, boot)
) WITH (fillfactor = 50);

-- Gaps of a boot never overlap. One that was filled stays, with the entry that filled it; one that
-- the ledger names has the entry that does.
CREATE TABLE gap (
    device_id     uuid   NOT NULL,
    boot          text   NOT NULL,
    from_seq      bigint NOT NULL,
    to_seq        bigint NOT NULL,
    noticed_index bigint NOT NULL,
    filled_index  bigint,
    named_index   bigint,
    PRIMARY KEY (device_id, boot, from_seq)
);
CREATE INDEX gap_open ON gap (device_id, boot, from_seq) WHERE filled_index IS NULL;
CREATE INDEX gap_unnamed ON gap (device_id, boot, from_seq)
 WHERE filled_index IS NULL AND named_index IS NULL;
