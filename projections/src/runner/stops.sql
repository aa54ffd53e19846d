-- Which projection stopped on which ledger, and why. Outside the read models' schemas: a read model
-- that is dropped and built anew must not take the reason with it before the new one is in place.
CREATE SCHEMA IF NOT EXISTS rm_runner;
CREATE TABLE IF NOT EXISTS rm_runner.stop (
    projection    text        NOT NULL,
    ledger_id     integer     NOT NULL,
    stopped_index bigint      NOT NULL,
    reason        text        NOT NULL,
    stopped_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, ledger_id)
);
