-- $1 ledger, $2 stream, $3 last version that is known
SELECT entry, leaf_hash
FROM events
WHERE ledger_id = $1 AND stream = $2 AND version > $3
ORDER BY version
