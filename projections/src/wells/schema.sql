-- Versions: a row holds from entry from_index on, and until to_index (NULL: it holds now).
CREATE TABLE well (
    ledger_id    integer     NOT NULL,
    well_id      uuid        NOT NULL,
    organisation text        NOT NULL,
    site         text        NOT NULL,
    slug         text        NOT NULL,
    kind         text        NOT NULL,
    -- idle, injecting, shut_in or plugged.
    status       text        NOT NULL,
    -- Limits, proposals, tests and spans of injection: the aggregate, as its events make it.
    state        jsonb       NOT NULL,
    changed_at   timestamptz NOT NULL,
    -- Every entry that made it so.
    indexes      bigint[]    NOT NULL,
    from_index   bigint      NOT NULL,
    to_index     bigint,
    PRIMARY KEY (ledger_id, well_id, from_index)
);
CREATE INDEX well_by_change ON well (ledger_id, from_index);

CREATE TABLE injection_day (
    ledger_id    integer     NOT NULL,
    well_id      uuid        NOT NULL,
    day          date        NOT NULL,
    site         text        NOT NULL,
    well         text        NOT NULL,
    mass_g       bigint      NOT NULL,
    approved     boolean     NOT NULL,
    creditable   boolean     NOT NULL,
    -- Figures, evidence and approval: the aggregate, as its events make it.
    state        jsonb       NOT NULL,
    -- Why this version took the place of the one before, if it is a correction.
    reason       text,
    changed_at   timestamptz NOT NULL,
    -- Every entry that made it so.
    indexes      bigint[]    NOT NULL,
    from_index   bigint      NOT NULL,
    to_index     bigint,
    PRIMARY KEY (ledger_id, well_id, day, from_index)
);
CREATE INDEX injection_day_by_day ON injection_day (ledger_id, day, well_id);
CREATE INDEX injection_day_by_change ON injection_day (ledger_id, from_index);
-- What totals of now are made of, without the rows, which are wide.
CREATE INDEX injection_day_now
    ON injection_day (ledger_id, day, well_id)
       INCLUDE (site, mass_g, approved, creditable, from_index)
 WHERE to_index IS NULL;
