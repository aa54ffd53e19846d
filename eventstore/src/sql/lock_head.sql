-- $1 ledger
SELECT size, root, frontier, leaf_hash, recorded_at, epoch, clock_waived, system_identifier, timeline,
       (SELECT name FROM ledgers WHERE ledger_id = continued_by) AS continued_by,
       clock_timestamp() AS clock
FROM ledger_heads
WHERE ledger_id = $1
FOR UPDATE
