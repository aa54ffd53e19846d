SELECT stream, version
FROM streams
WHERE ledger_id = $ledger
ORDER BY stream
