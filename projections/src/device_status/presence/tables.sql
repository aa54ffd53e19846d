-- No read model: these are not folded from the ledger, so a rebuild must not touch them.
CREATE SCHEMA IF NOT EXISTS rm_runner;
CREATE TABLE IF NOT EXISTS rm_runner.presence (
    device_id uuid        PRIMARY KEY,
    online    boolean     NOT NULL,
    since     timestamptz NOT NULL
);
-- The node that told; null from a program that knew of one node only.
ALTER TABLE rm_runner.presence ADD COLUMN IF NOT EXISTS node uuid;
CREATE TABLE IF NOT EXISTS rm_runner.node (
    id      uuid        PRIMARY KEY,
    seen_at timestamptz NOT NULL
);
