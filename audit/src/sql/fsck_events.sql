SELECT index, entry, leaf_hash, stream, version, type, recorded_at
FROM events
WHERE ledger_id = $ledger
ORDER BY index
