-- A whole commit in one statement: all of it is stored, or nothing where the head row is not as it was
-- known ($2 to $9), is not waited for, or the clocks are apart ($17). The timeline is read as in
-- lock_head.sql. $10 to $16 are the head after.
WITH bounded AS MATERIALIZED (
    SELECT set_config('lock_timeout', '10s', true) AS lock_timeout
), moved AS (
    UPDATE ledger_heads h
    SET size = $10, root = $11, frontier = $12, leaf_hash = $13, recorded_at = $14, epoch = $15,
        clock_waived = $16
    FROM bounded
    WHERE h.ledger_id = $1 AND h.size = $2 AND h.root = $3 AND h.recorded_at = $4 AND h.epoch = $5
      AND h.clock_waived IS NOT DISTINCT FROM $6
      AND h.system_identifier = $7 AND h.timeline = $8 AND h.continued_by IS NULL
      AND pg_postmaster_start_time() = $9
      AND ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int = $8
      AND clock_timestamp() BETWEEN $17::timestamptz - interval '60 s'
                                AND $17::timestamptz + interval '60 s'
    RETURNING 1
), stored_commands AS (
    INSERT INTO commands (ledger_id, actor, command_id, input_hash, first_index, last_index, tree_size)
    SELECT $1, *, $10
    FROM UNNEST($18::text[], $19::uuid[], $20::bytea[], $21::bigint[], $22::bigint[])
    WHERE EXISTS (SELECT FROM moved)
), stored_events AS (
    INSERT INTO events (ledger_id, index, entry, leaf_hash, stream, version, type, recorded_at)
    SELECT $1, *
    FROM UNNEST($23::bigint[], $24::bytea[], $25::bytea[], $26::text[], $27::bigint[], $28::text[],
                $29::timestamptz[])
    WHERE EXISTS (SELECT FROM moved)
), stored_payloads AS (
    INSERT INTO payloads (ledger_id, index, media, salt, bytes)
    SELECT $1, * FROM UNNEST($30::bigint[], $31::text[], $32::bytea[], $33::bytea[])
    WHERE EXISTS (SELECT FROM moved)
), stored_batches AS (
    INSERT INTO batch_payloads (ledger_id, index, day, media, salt, bytes)
    SELECT $1, * FROM UNNEST($34::bigint[], $35::date[], $36::text[], $37::bytea[], $38::bytea[])
    WHERE EXISTS (SELECT FROM moved)
), stored_streams AS (
    INSERT INTO streams (ledger_id, stream, version)
    SELECT $1, * FROM UNNEST($39::text[], $40::bigint[])
    WHERE EXISTS (SELECT FROM moved)
    ON CONFLICT (ledger_id, stream) DO UPDATE SET version = EXCLUDED.version
), stored_tiles AS (
    INSERT INTO tiles (ledger_id, level, n, hashes)
    SELECT $1, * FROM UNNEST($41::smallint[], $42::bigint[], $43::bytea[])
    WHERE EXISTS (SELECT FROM moved)
)
INSERT INTO checkpoints (ledger_id, size, note)
SELECT $1, $10, $44 FROM moved
