-- $1 ledger, $2 streams
SELECT wanted.stream, newest.version
FROM unnest($2::text[]) AS wanted (stream)
CROSS JOIN LATERAL (
    SELECT version
    FROM events
    WHERE ledger_id = $1 AND stream = wanted.stream
    ORDER BY version DESC
    LIMIT 1
) AS newest
