-- $1 ledger, $2 streams
SELECT newest.entry, newest.leaf_hash
FROM (SELECT DISTINCT stream FROM unnest($2::text[]) AS wanted (stream)) AS wanted
CROSS JOIN LATERAL (
    SELECT entry, leaf_hash, index
    FROM events
    WHERE ledger_id = $1 AND stream = wanted.stream
    ORDER BY version DESC
    LIMIT 1
) AS newest
ORDER BY newest.index
