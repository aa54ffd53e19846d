-- $1 ledger, $2 first index, $3 last index, $4 prefix of the streams whose payloads may be erased:
-- the first entry whose payload may not be, with its stream, or with none where its payload is gone
SELECT e.index, CASE WHEN starts_with(e.stream, $4) THEN NULL ELSE e.stream END
FROM events e
WHERE e.ledger_id = $1 AND e.index BETWEEN $2 AND $3
  AND (NOT starts_with(e.stream, $4)
       OR NOT EXISTS (SELECT FROM batch_payloads b
                      WHERE b.ledger_id = $1 AND b.index = e.index
                        AND b.day = (e.recorded_at AT TIME ZONE 'UTC')::date))
ORDER BY e.index
LIMIT 1
