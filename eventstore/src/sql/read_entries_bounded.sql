-- $1 ledger, $2 first index, $3 limit, $4 most bytes of payload: the entries up to there, and always
-- the first. Lengths stand in the rows' TOAST pointers, so no payload is read to sum them up.
SELECT entry, leaf_hash
FROM (
    SELECT e.index, e.entry, e.leaf_hash,
           row_number() OVER by_index AS nth,
           sum(coalesce(
               (SELECT octet_length(p.bytes) FROM payloads p
                WHERE p.ledger_id = $1 AND p.index = e.index),
               (SELECT octet_length(b.bytes) FROM batch_payloads b
                WHERE b.ledger_id = $1 AND b.index = e.index
                  AND b.day = (e.recorded_at AT TIME ZONE 'UTC')::date),
               0)) OVER by_index AS bytes
    FROM (
        SELECT index, entry, leaf_hash, recorded_at
        FROM events
        WHERE ledger_id = $1 AND index >= $2
        ORDER BY index
        LIMIT $3
    ) AS e
    WINDOW by_index AS (ORDER BY e.index)
) AS summed
WHERE nth = 1 OR bytes <= $4
ORDER BY index
