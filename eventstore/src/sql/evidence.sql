-- $1 and $2 ledger and index to go on behind, $3 limit: payloads that may cite evidence, of all ledgers
SELECT ledger_id, index, bytes
FROM payloads
WHERE (ledger_id, index) > ($1, $2) AND media = 'application/json'
  AND position('"evidence"'::bytea IN bytes) > 0
ORDER BY ledger_id, index
LIMIT $3
