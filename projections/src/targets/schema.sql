-- The emission targets of sites in all their versions: a row holds from the entry from_index on, and
-- before the entry to_index (NULL: until now).
CREATE TABLE target (
    ledger_id        integer NOT NULL,
    site_id          uuid    NOT NULL,
    from_day         date    NOT NULL,
    until_day        date,
    average_kg_per_h text    NOT NULL,
    -- The entry that set the target; from_index is that of its last change.
    set_index        bigint  NOT NULL,
    from_index       bigint  NOT NULL,
    to_index         bigint,
    PRIMARY KEY (ledger_id, site_id, from_day, from_index)
);
