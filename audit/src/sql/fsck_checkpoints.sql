SELECT size, note
FROM checkpoints
WHERE ledger_id = $ledger
ORDER BY size
