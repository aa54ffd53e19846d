-- Buckets of 300, 3,600 and 86,400 seconds, counted from 1970-01-01 UTC. `first` and `last` are by
-- the readings' own time. `filled` is how many buckets of 5 minutes in it have readings, and
-- `mean_sum` the sum of their means: what a mean over time and a coverage are made of.
CREATE TABLE rollup (
    device_id uuid             NOT NULL,
    metric    text             NOT NULL,
    width     integer          NOT NULL,
    bucket    timestamptz      NOT NULL,
    ledger_id integer          NOT NULL,
    count     bigint           NOT NULL,
    sum       double precision NOT NULL,
    min       double precision NOT NULL,
    max       double precision NOT NULL,
    first     double precision NOT NULL,
    first_at  timestamptz      NOT NULL,
    last      double precision NOT NULL,
    last_at   timestamptz      NOT NULL,
    filled    integer          NOT NULL,
    mean_sum  double precision NOT NULL,
    PRIMARY KEY (device_id, metric, width, bucket)
) PARTITION BY LIST (width);

-- A table for each width: a year of days lies close together, whatever number of five minutes there is.
-- The newest rows are updated again and again: with room on their page that leaves the key alone.
CREATE TABLE rollup_300   PARTITION OF rollup FOR VALUES IN (300)   WITH (fillfactor = 70);
CREATE TABLE rollup_3600  PARTITION OF rollup FOR VALUES IN (3600)  WITH (fillfactor = 50);
CREATE TABLE rollup_86400 PARTITION OF rollup FOR VALUES IN (86400) WITH (fillfactor = 50);
