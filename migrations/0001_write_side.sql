-- The write side. Every key starts with ledger_id; no triggers, no foreign keys across ledgers, no
-- global sequence, so the schema shards by ledger_id as it stands.

-- Roles are shared by all databases of a server: another database may have made them already.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sealrock_owner', 'sealrock_app', 'sealrock_erase'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        EXECUTE format('GRANT %I TO CURRENT_USER', name);
    END LOOP;
    -- The read side makes its own schemas.
    EXECUTE format('GRANT CREATE ON DATABASE %I TO sealrock_app, sealrock_owner', current_database());
END
$$;

CREATE SCHEMA sealrock AUTHORIZATION sealrock_owner;
SET LOCAL ROLE sealrock_owner;
SET LOCAL search_path TO sealrock;

-- The host part of every origin, fixed at the first start.
CREATE TABLE platform (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    origin_host text NOT NULL
);

CREATE TABLE ledgers (
    ledger_id integer PRIMARY KEY,
    name text NOT NULL UNIQUE,
    origin text NOT NULL UNIQUE,
    vkey text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('operational', 'registry')),
    demo boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The one row per ledger that every append locks and moves by compare-and-swap.
CREATE TABLE ledger_heads (
    ledger_id integer PRIMARY KEY,
    size bigint NOT NULL,
    root bytea NOT NULL,
    frontier bytea NOT NULL,
    leaf_hash bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    epoch bigint NOT NULL,
    system_identifier bigint NOT NULL,
    timeline integer NOT NULL
);

-- One row is an event and its ledger entry; `entry` is the truth, the other columns repeat it for
-- keys and joins. Never updated, never deleted.
CREATE TABLE events (
    ledger_id integer NOT NULL,
    index bigint NOT NULL,
    entry bytea NOT NULL,
    leaf_hash bytea NOT NULL,
    stream text NOT NULL,
    version bigint NOT NULL,
    type text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (ledger_id, index),
    UNIQUE (ledger_id, stream, version)
);

-- Payloads of aggregates' events: kept.
CREATE TABLE payloads (
    ledger_id integer NOT NULL,
    index bigint NOT NULL,
    media text NOT NULL,
    salt bytea NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (ledger_id, index)
);

-- Payloads of sensor batches, by the UTC day of recorded_at: the only thing retention drops.
CREATE TABLE batch_payloads (
    ledger_id integer NOT NULL,
    index bigint NOT NULL,
    day date NOT NULL,
    media text NOT NULL,
    salt bytea NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (ledger_id, index, day)
) PARTITION BY RANGE (day);

-- Current version of each stream: optimistic concurrency.
CREATE TABLE streams (
    ledger_id integer NOT NULL,
    stream text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (ledger_id, stream)
);

-- Receipts: a repeated command is answered with the first one's.
CREATE TABLE commands (
    ledger_id integer NOT NULL,
    actor text NOT NULL,
    command_id uuid NOT NULL,
    input_hash bytea NOT NULL,
    first_index bigint NOT NULL,
    last_index bigint NOT NULL,
    tree_size bigint NOT NULL,
    PRIMARY KEY (ledger_id, actor, command_id)
);

-- The signed note of each commit.
CREATE TABLE checkpoints (
    ledger_id integer NOT NULL,
    size bigint NOT NULL,
    note text NOT NULL,
    PRIMARY KEY (ledger_id, size)
);

-- Full tiles of 256 hashes, written once; partial tiles are derived.
CREATE TABLE tiles (
    ledger_id integer NOT NULL,
    level smallint NOT NULL,
    n bigint NOT NULL,
    hashes bytea NOT NULL CHECK (octet_length(hashes) = 8192),
    PRIMARY KEY (ledger_id, level, n)
);

-- A cache of aggregates' states; any row may be deleted at any time.
CREATE TABLE snapshots (
    ledger_id integer NOT NULL,
    stream text NOT NULL,
    version bigint NOT NULL,
    code_version integer NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (ledger_id, stream)
);

-- Makes the partition of a day. The application may call this and nothing else that is DDL here.
-- It is made on its own and then attached: ATTACH goes along with readers and writers of the parent
-- (a dump, fsck, appends), where CREATE TABLE … PARTITION OF would wait for all of them and stop all
-- that come after. One caller at a time; the others find the partition there.
CREATE FUNCTION ensure_batch_day(wanted date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = sealrock, pg_temp
SET lock_timeout = '5s' AS $$
DECLARE
    partition text := 'batch_payloads_' || to_char(wanted, 'YYYYMMDD');
BEGIN
    IF EXISTS (SELECT FROM pg_class
               WHERE relnamespace = 'sealrock'::regnamespace AND relname = partition) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('sealrock.batch_days'));
    -- Asked of the table, not of to_regclass: that would answer from this session's cache.
    IF EXISTS (SELECT FROM pg_class
               WHERE relnamespace = 'sealrock'::regnamespace AND relname = partition) THEN
        RETURN;
    END IF;
    -- With the CHECK, ATTACH need not look at the rows; afterwards it says nothing new.
    EXECUTE format(
        'CREATE TABLE %I (LIKE batch_payloads INCLUDING ALL, '
        'CONSTRAINT of_its_day CHECK (day >= %L AND day < %L))', partition, wanted, wanted + 1);
    EXECUTE format('GRANT SELECT, DELETE ON %I TO sealrock_erase', partition);
    EXECUTE format('ALTER TABLE batch_payloads ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        partition, wanted, wanted + 1);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT of_its_day', partition);
END
$$;
REVOKE ALL ON FUNCTION ensure_batch_day(date) FROM PUBLIC;

-- What postgres-es 0.5 reads as its table of events, for streams of aggregates: the payload as serde
-- writes an enum (the type's name around the fields), metadata as an object of texts. Its queries
-- name type and id but no ledger: who reads one ledger of several, gives it
-- `(SELECT * FROM postgres_es_events WHERE ledger_id = 1) AS events` for a table name.
CREATE VIEW postgres_es_events AS
SELECT split_part(e.stream, '/', 1) AS aggregate_type,
       substr(e.stream, strpos(e.stream, '/') + 1) AS aggregate_id,
       e.version AS sequence,
       e.type AS event_type,
       convert_from(e.entry, 'UTF8')::json ->> 'schema' AS event_version,
       json_build_object(e.type, convert_from(p.bytes, 'UTF8')::json) AS payload,
       (SELECT json_object_agg(key, value) FROM json_each_text(convert_from(e.entry, 'UTF8')::json))
           AS metadata,
       e.ledger_id
FROM events e
JOIN payloads p USING (ledger_id, index)
WHERE p.media = 'application/json';

GRANT USAGE ON SCHEMA sealrock TO sealrock_app, sealrock_erase;
GRANT SELECT, INSERT ON platform, ledgers, events, payloads, batch_payloads, commands, checkpoints,
    tiles TO sealrock_app;
GRANT SELECT, INSERT, UPDATE ON ledger_heads, streams TO sealrock_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON snapshots TO sealrock_app;
GRANT SELECT ON postgres_es_events TO sealrock_app;
GRANT EXECUTE ON FUNCTION ensure_batch_day(date) TO sealrock_app;
GRANT SELECT, DELETE ON payloads, batch_payloads TO sealrock_erase;
GRANT SELECT ON ledgers, events TO sealrock_erase;

-- The migrator goes on in the same transaction, as itself.
RESET search_path;
RESET ROLE;
