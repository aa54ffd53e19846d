CREATE TABLE device (
    device_id uuid PRIMARY KEY,
    site      text NOT NULL,
    source    text NOT NULL
);

-- (index, ordinal) is the reading that holds the place, so index is also when the row last changed.
CREATE TABLE latest (
    device_id uuid             NOT NULL,
    metric    text             NOT NULL,
    ledger_id integer          NOT NULL,
    index     bigint           NOT NULL,
    ordinal   integer          NOT NULL,
    site      text,
    at        timestamptz      NOT NULL,
    value     double precision NOT NULL,
    unit      text             NOT NULL,
    source    text,
    PRIMARY KEY (device_id, metric)
);
CREATE INDEX latest_by_site ON latest (ledger_id, site);
CREATE INDEX latest_by_change ON latest (ledger_id, index);

-- The days on which a device had readings of a metric that count: where to look for the newest that is
-- left when the latest is erased. A day may be listed that has none any more.
CREATE TABLE metric_day (
    device_id uuid NOT NULL,
    metric    text NOT NULL,
    day       date NOT NULL,
    PRIMARY KEY (device_id, metric, day)
);
