-- A whole commit in one statement: all of it is stored, or nothing where the head row is not as it was
-- known ($2 to $9), is not waited for, or the clocks are apart ($17). The timeline is read as in
-- lock_head.sql. $10 to $16 are the head after. The parts that a commit has follow, of which each
-- counts its own parameters, and the checkpoint ($30) at last.
WITH bounded AS MATERIALIZED (
    SELECT set_config('lock_timeout', '10s', true) AS lock_timeout
), found AS MATERIALIZED (
    -- Compared when the lock is held: the commit that this one is built on may still be under way.
    SELECT h.* FROM bounded, ledger_heads h WHERE h.ledger_id = $1 FOR UPDATE OF h
), moved AS (
    UPDATE ledger_heads h
    SET size = $10, root = $11, frontier = $12, leaf_hash = $13, recorded_at = $14, epoch = $15,
        clock_waived = $16
    FROM found f
    WHERE h.ledger_id = $1 AND f.size = $2 AND f.root = $3 AND f.recorded_at = $4 AND f.epoch = $5
      AND f.clock_waived IS NOT DISTINCT FROM $6
      AND f.system_identifier = $7 AND f.timeline = $8 AND f.continued_by IS NULL
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
)
