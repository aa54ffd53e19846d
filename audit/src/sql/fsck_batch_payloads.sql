SELECT index, day, media, salt, bytes
FROM batch_payloads
WHERE ledger_id = $ledger
ORDER BY index
