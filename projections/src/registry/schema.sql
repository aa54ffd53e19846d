-- Columns are named as the fields of the structs, which travel as JSON objects.
CREATE TABLE organisation (
    id            uuid        PRIMARY KEY,
    ledger        integer     NOT NULL,
    slug          text        NOT NULL UNIQUE,
    display_name  text        NOT NULL,
    registered_at timestamptz NOT NULL,
    first_index   bigint      NOT NULL,
    last_index    bigint      NOT NULL
);

CREATE TABLE site (
    id                   uuid        PRIMARY KEY,
    ledger               integer     NOT NULL,
    organisation         text        NOT NULL,
    slug                 text        NOT NULL,
    display_name         text        NOT NULL,
    kind                 text        NOT NULL,
    country              text,
    latitude             text,
    longitude            text,
    ambient_pressure_kpa text,
    retired              boolean     NOT NULL,
    registered_at        timestamptz NOT NULL,
    first_index          bigint      NOT NULL,
    last_index           bigint      NOT NULL,
    UNIQUE (organisation, slug)
);

CREATE TABLE asset (
    id            uuid        PRIMARY KEY,
    ledger        integer     NOT NULL,
    organisation  text        NOT NULL,
    site          text        NOT NULL,
    slug          text        NOT NULL,
    display_name  text        NOT NULL,
    kind          text        NOT NULL,
    assumptions   jsonb       NOT NULL,
    retired       boolean     NOT NULL,
    registered_at timestamptz NOT NULL,
    first_index   bigint      NOT NULL,
    last_index    bigint      NOT NULL,
    UNIQUE (organisation, site, slug)
);

CREATE TABLE device (
    id             uuid        PRIMARY KEY,
    ledger         integer     NOT NULL,
    organisation   text        NOT NULL,
    site           text        NOT NULL,
    slug           text        NOT NULL,
    display_name   text        NOT NULL,
    asset          text,
    source         text        NOT NULL,
    keys           jsonb       NOT NULL,
    credential     uuid,
    metadata       jsonb       NOT NULL,
    sensors        jsonb       NOT NULL,
    decommissioned boolean     NOT NULL,
    registered_at  timestamptz NOT NULL,
    first_index    bigint      NOT NULL,
    last_index     bigint      NOT NULL,
    UNIQUE (organisation, site, slug)
);
CREATE INDEX device_by_asset ON device (organisation, site, asset);
