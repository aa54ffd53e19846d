-- The keys that a ledger has had, and what its head row needs so that it is never forked: whether a
-- wrong clock was forgiven, whether the ledger is closed because another one continues it.

SET LOCAL ROLE sealrock_owner;
SET LOCAL search_path TO sealrock;

-- A public key and the trees that it signs. Rows are for ever; a key is retired by setting
-- through_size, in the transaction of the entry that says so.
CREATE TABLE log_keys (
    ledger_id integer NOT NULL,
    vkey text NOT NULL,
    from_size bigint NOT NULL,
    through_size bigint CHECK (through_size >= from_size),
    PRIMARY KEY (ledger_id, vkey)
);
INSERT INTO log_keys (ledger_id, vkey, from_size) SELECT ledger_id, vkey, 0 FROM ledgers;

-- The ledger that this one continues, because a part of that one's history was lost.
ALTER TABLE ledgers ADD COLUMN continues integer UNIQUE;

-- recorded_at of the last entry for which an operator has said that the clock behind it was wrong;
-- and the ledger that continues this one: then nothing is appended to it any more.
ALTER TABLE ledger_heads ADD COLUMN clock_waived timestamptz, ADD COLUMN continued_by integer;

GRANT SELECT, INSERT, UPDATE (through_size) ON log_keys TO sealrock_app;
GRANT SELECT ON log_keys TO sealrock_erase;

RESET search_path;
RESET ROLE;
