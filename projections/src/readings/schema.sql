CREATE TABLE device (
    device_id uuid PRIMARY KEY,
    site      text NOT NULL,
    source    text NOT NULL
);

-- One row a batch: its readings' span of time leads to the partitions that hold them.
CREATE TABLE batch (
    ledger_id integer     NOT NULL,
    index     bigint      NOT NULL,
    device_id uuid        NOT NULL,
    from_at   timestamptz NOT NULL,
    to_at     timestamptz NOT NULL,
    PRIMARY KEY (ledger_id, index)
);

-- `value`, `truth` or `text` is what was sent, in `unit` as it was spelled; `canonical` is the same
-- in the metric's own unit, NULL where the reading does not count, and `suspicion` then says why.
CREATE TABLE reading (
    ledger_id integer     NOT NULL,
    index     bigint      NOT NULL,
    ordinal   integer     NOT NULL,
    device_id uuid        NOT NULL,
    site      text,
    metric    text        NOT NULL,
    at        timestamptz NOT NULL,
    value     double precision,
    truth     boolean,
    text      text,
    unit      text,
    canonical double precision,
    quality   text        NOT NULL,
    suspicion text,
    source    text,
    PRIMARY KEY (ledger_id, index, ordinal, at)
) PARTITION BY RANGE (at);

CREATE INDEX reading_by_time ON reading (device_id, metric, at, index, ordinal);

-- Clocks that were never set (1970) and times of another age must not make a partition a day.
CREATE TABLE reading_before_2000 PARTITION OF reading FOR VALUES FROM (MINVALUE) TO ('2000-01-01Z');
CREATE TABLE reading_from_2100 PARTITION OF reading FOR VALUES FROM ('2100-01-01Z') TO (MAXVALUE);
