-- Versions: a row holds from entry from_index on, and until to_index (NULL: it holds now).
CREATE TABLE unit (
    ledger_id    integer     NOT NULL,
    unit_id      uuid        NOT NULL,
    organisation text        NOT NULL,
    site         text        NOT NULL,
    slug         text        NOT NULL,
    technology   text        NOT NULL,
    capacity_g   bigint,
    status       text        NOT NULL,
    reason       text,
    changed_at   timestamptz NOT NULL,
    first_index  bigint      NOT NULL,
    from_index   bigint      NOT NULL,
    to_index     bigint,
    PRIMARY KEY (ledger_id, unit_id, from_index)
);

-- What a record of a period said in a version of it.
CREATE TABLE capture (
    ledger_id           integer     NOT NULL,
    unit_id             uuid        NOT NULL,
    site                text        NOT NULL,
    unit                text        NOT NULL,
    day                 date        NOT NULL,
    from_at             timestamptz NOT NULL,
    to_at               timestamptz NOT NULL,
    captured_g          bigint      NOT NULL,
    vented_g            bigint      NOT NULL,
    electricity_kwh     text,
    heat_mj             text,
    measured_captured_g bigint,
    measured_vented_g   bigint,
    measured_hours      integer,
    measured_real       boolean,
    evidence            text[]      NOT NULL,
    stated_by           text        NOT NULL,
    stated_at           timestamptz NOT NULL,
    reason              text,
    first_index         bigint      NOT NULL,
    from_index          bigint      NOT NULL,
    to_index            bigint,
    PRIMARY KEY (ledger_id, unit_id, from_at, from_index)
);
CREATE INDEX capture_day ON capture (ledger_id, day, unit_id);

-- An approved day stays so.
CREATE TABLE approval (
    ledger_id   integer     NOT NULL,
    unit_id     uuid        NOT NULL,
    day         date        NOT NULL,
    approved_by text        NOT NULL,
    approved_at timestamptz NOT NULL,
    index       bigint      NOT NULL,
    PRIMARY KEY (ledger_id, unit_id, day)
);
