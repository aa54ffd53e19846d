CREATE TABLE device (
    device_id uuid PRIMARY KEY,
    site      text NOT NULL,
    source    text NOT NULL
);

-- One row a batch: the span of time of its readings in partitions, NULL if there are none.
CREATE TABLE batch (
    ledger_id integer     NOT NULL,
    index     bigint      NOT NULL,
    device_id uuid        NOT NULL,
    from_at   timestamptz,
    to_at     timestamptz,
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
    source    text
) PARTITION BY RANGE (at);

-- Readings of days far from their receipt (clocks that were never set, the distant future): they
-- must not make a partition a day. A day may have some here and a partition as well.
CREATE TABLE far_reading (LIKE reading INCLUDING ALL);
