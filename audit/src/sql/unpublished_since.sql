-- $1 ledger, $2 entries that are published: since when the next one waits
SELECT recorded_at
FROM events
WHERE ledger_id = $1 AND index = $2
