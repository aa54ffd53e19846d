-- $1 name, $2 origin, $3 vkey, $4 kind, $5 demo, $6 continues. The timeline is read as in lock_head.sql.
WITH made AS (
    INSERT INTO ledgers (ledger_id, name, origin, vkey, kind, demo, continues)
    SELECT coalesce(max(ledger_id), 0) + 1, $1, $2, $3, $4, $5, $6 FROM ledgers
    ON CONFLICT (name) DO NOTHING
    RETURNING ledger_id
), keyed AS (
    INSERT INTO log_keys (ledger_id, vkey, from_size) SELECT ledger_id, $3, 0 FROM made
)
INSERT INTO ledger_heads (ledger_id, size, root, frontier, leaf_hash, recorded_at, epoch,
                          system_identifier, timeline)
SELECT ledger_id, 0, sha256(''), '', decode(repeat('00', 32), 'hex'), 'epoch', 0,
       (SELECT system_identifier FROM pg_control_system()),
       ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int
FROM made
