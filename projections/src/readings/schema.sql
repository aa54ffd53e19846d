CREATE TABLE device (
    device_id uuid PRIMARY KEY,
    site      text NOT NULL,
    source    text NOT NULL
);

-- What a device measures in which unit (as it spells it), in one ledger. All that is its own text: it
-- goes with the last of its readings.
CREATE TABLE series (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ledger_id integer NOT NULL,
    device_id uuid    NOT NULL,
    metric    text    NOT NULL,
    unit      text,
    UNIQUE NULLS NOT DISTINCT (device_id, metric, unit, ledger_id)
);

-- What many readings have in common: all of a reading that has few different values, whatever devices
-- send. `suspicion` says why a reading does not count; `truth` is a value that is no number.
-- A fold adds rows of its own ledger only, so that it never waits for another one.
CREATE TABLE context (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ledger_id integer NOT NULL,
    site      text,
    quality   text    NOT NULL,
    suspicion text,
    source    text,
    truth     boolean,
    UNIQUE NULLS NOT DISTINCT (ledger_id, site, quality, suspicion, source, truth)
);

-- When a batch measured what, so that its readings are found in the key of the series: a row for
-- each part of its time without a hole of an hour, and of one table (`far`: `far_reading`).
CREATE TABLE stretch (
    ledger_id integer     NOT NULL,
    index     bigint      NOT NULL,
    device_id uuid        NOT NULL,
    from_at   timestamptz NOT NULL,
    to_at     timestamptz NOT NULL,
    far       boolean     NOT NULL,
    series    integer[]   NOT NULL,
    PRIMARY KEY (ledger_id, index, from_at)
);

-- `value` or `text` (or the context's `truth`) is what was sent. `canonical` is it in the metric's own
-- unit, where that is another number. Columns of 8 bytes stand first, and there are no more than eight:
-- with a ninth the bits that say what is NULL would take 8 bytes more.
CREATE TABLE reading (
    at        timestamptz NOT NULL,
    index     bigint      NOT NULL,
    value     double precision,
    canonical double precision,
    series    integer     NOT NULL,
    context   integer     NOT NULL,
    ordinal   integer     NOT NULL,
    text      text
) PARTITION BY RANGE (at);

-- Readings of days far from their receipt (clocks that were never set, the distant future): they
-- must not make a partition a day. A day may have some here and a partition as well.
CREATE TABLE far_reading (LIKE reading INCLUDING ALL);
