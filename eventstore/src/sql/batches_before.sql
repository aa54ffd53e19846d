-- $1 ledger, $2 recorded before, $3 behind this index, $4 limit: batches whose payload is there
SELECT b.index
FROM batch_payloads b
JOIN events e USING (ledger_id, index)
WHERE b.ledger_id = $1 AND b.day <= ($2 AT TIME ZONE 'UTC')::date AND b.index > $3
  AND e.recorded_at < $2
ORDER BY b.index
LIMIT $4
