-- $1 ledger. The timeline here is the WAL's: that of pg_control_checkpoint() is the last checkpoint's,
-- which is an older one for minutes after a promotion.
SELECT size, root, frontier, leaf_hash, recorded_at, epoch, clock_waived, system_identifier, timeline,
       (SELECT name FROM ledgers WHERE ledger_id = continued_by) AS continued_by,
       clock_timestamp() AS clock,
       pg_postmaster_start_time() AS started,
       (SELECT system_identifier FROM pg_control_system()) AS system_identifier_here,
       ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int
           AS timeline_here
FROM ledger_heads
WHERE ledger_id = $1
FOR UPDATE
