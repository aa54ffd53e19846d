-- The runner's tables in every read model's schema. They are renamed with it, so the tables that
-- queries see and what they say about themselves change at one instant.
CREATE TABLE read_model (
    one      boolean     PRIMARY KEY DEFAULT true CHECK (one),
    version  integer     NOT NULL,
    built_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE checkpoint (
    ledger_id  integer     PRIMARY KEY,
    next_index bigint      NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
