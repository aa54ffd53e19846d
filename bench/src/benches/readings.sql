CREATE TABLE readings (
    device text NOT NULL,
    metric text NOT NULL,
    at timestamptz NOT NULL,
    value double precision NOT NULL,
    unit text NOT NULL,
    PRIMARY KEY (device, metric, at)
);
