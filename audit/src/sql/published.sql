-- $1 ledger
SELECT size, note, timestamp, published_at
FROM published
WHERE ledger_id = $1
ORDER BY size DESC
LIMIT 1
