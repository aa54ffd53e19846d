-- $1 ledger, $2 streams that were asked for
SELECT wanted.stream
FROM unnest($2::text[]) AS wanted (stream)
WHERE EXISTS (SELECT FROM events e WHERE e.ledger_id = $1 AND e.stream = wanted.stream)
