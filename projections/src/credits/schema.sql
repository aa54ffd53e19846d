-- Columns are named as the fields of the structs, which travel as JSON objects. A row holds from the
-- entry from_index of its ledger on, and before the entry to_index (NULL: until now). Rows of an
-- operational ledger and rows of a registry's never touch each other: queries join them.
CREATE TABLE account (
    ledger_id    integer NOT NULL,
    key          text    NOT NULL, -- <site id>/<year>
    organisation text    NOT NULL,
    site         text    NOT NULL,
    site_id      uuid    NOT NULL,
    year         integer NOT NULL,
    stored_kg    text    NOT NULL,
    lost_kg      text    NOT NULL,
    reserved_kg  bigint  NOT NULL,
    finalised_kg bigint  NOT NULL,
    from_index   bigint  NOT NULL,
    to_index     bigint,
    PRIMARY KEY (ledger_id, key, from_index)
);

-- What was added to an account and taken off it: never changes.
CREATE TABLE account_entry (
    ledger_id   integer     NOT NULL,
    index       bigint      NOT NULL,
    account     text        NOT NULL,
    mass_kg     text        NOT NULL,
    -- Which grams of all that was ever stored in the account these are; NULL for a loss.
    from_g      bigint,
    to_g        bigint,
    well        uuid,
    day         date        NOT NULL,
    reason      text,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (ledger_id, index)
);
CREATE INDEX account_entry_by_account ON account_entry (ledger_id, account, index);

CREATE TABLE reservation (
    ledger_id      integer     NOT NULL,
    key            text        NOT NULL, -- the issuance
    issuance       uuid        NOT NULL,
    account        text        NOT NULL,
    organisation   text        NOT NULL,
    site           text        NOT NULL,
    year           integer     NOT NULL,
    registry       text        NOT NULL,
    from_kg        bigint      NOT NULL,
    to_kg          bigint      NOT NULL,
    requested_by   text        NOT NULL,
    state          text        NOT NULL,
    serials        text,
    reason         text,
    reserved_index bigint      NOT NULL,
    reserved_at    timestamptz NOT NULL,
    closed_index   bigint,
    closed_at      timestamptz,
    from_index     bigint      NOT NULL,
    to_index       bigint,
    PRIMARY KEY (ledger_id, key, from_index)
);
CREATE INDEX reservation_open ON reservation (issuance, ledger_id)
 WHERE to_index IS NULL;
CREATE INDEX reservation_reserved ON reservation (ledger_id, issuance)
 WHERE to_index IS NULL AND state = 'reserved';

CREATE TABLE request (
    ledger_id       integer     NOT NULL,
    key             text        NOT NULL, -- the issuance
    issuance        uuid        NOT NULL,
    organisation    text        NOT NULL,
    site            text        NOT NULL,
    year            integer     NOT NULL,
    from_kg         bigint      NOT NULL,
    to_kg           bigint      NOT NULL,
    source          text        NOT NULL,
    requested_by    text        NOT NULL,
    state           text        NOT NULL,
    serials         text,
    reason          text,
    decided_by      text,
    decided_for     text,
    requested_index bigint      NOT NULL,
    requested_at    timestamptz NOT NULL,
    decided_index   bigint,
    decided_at      timestamptz,
    from_index      bigint      NOT NULL,
    to_index        bigint,
    PRIMARY KEY (ledger_id, key, from_index)
);
CREATE INDEX request_open ON request (issuance, ledger_id)
 WHERE to_index IS NULL;

CREATE TABLE block (
    ledger_id    integer     NOT NULL,
    key          text        NOT NULL, -- the block
    id           uuid        NOT NULL,
    issuance     uuid        NOT NULL,
    registry     text        NOT NULL,
    organisation text        NOT NULL,
    site         text        NOT NULL,
    vintage      integer     NOT NULL,
    first_serial bigint      NOT NULL,
    last_serial  bigint      NOT NULL,
    from_kg      bigint      NOT NULL,
    to_kg        bigint      NOT NULL,
    holder       text        NOT NULL,
    issued_index bigint      NOT NULL,
    issued_at    timestamptz NOT NULL,
    from_index   bigint      NOT NULL,
    to_index     bigint,
    PRIMARY KEY (ledger_id, key, from_index)
);
CREATE INDEX block_of_issuance ON block (issuance);
CREATE INDEX block_of_holder ON block (holder, ledger_id);
CREATE INDEX block_of_organisation ON block (organisation);
