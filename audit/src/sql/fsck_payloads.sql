SELECT index, NULL::date AS day, media, salt, bytes
FROM payloads
WHERE ledger_id = $ledger
ORDER BY index
