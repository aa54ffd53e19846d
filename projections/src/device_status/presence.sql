-- Not a read model: it is not folded from the ledger, so a rebuild must not touch it.
CREATE SCHEMA IF NOT EXISTS rm_runner;
CREATE TABLE IF NOT EXISTS rm_runner.presence (
    device_id uuid        PRIMARY KEY,
    online    boolean     NOT NULL,
    since     timestamptz NOT NULL
);
