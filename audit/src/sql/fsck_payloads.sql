SELECT index, NULL::date AS day, media, salt, bytes
FROM payloads
WHERE ledger_id = $ledger
UNION ALL
SELECT index, day, media, salt, bytes
FROM batch_payloads
WHERE ledger_id = $ledger
ORDER BY index
