-- $1 ledger
SELECT size, root, frontier, leaf_hash, recorded_at, system_identifier, timeline,
       clock_timestamp() AS clock
FROM ledger_heads
WHERE ledger_id = $1
FOR UPDATE
