-- $1 ledger, $2 streams that were asked for
SELECT stream
FROM streams
WHERE ledger_id = $1
  AND stream = ANY ($2)
