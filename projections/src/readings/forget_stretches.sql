-- $1 ledger, $2 and $3 first and last indexes of ranges: where their readings are in the key
WITH gone AS (
    DELETE FROM stretch b
     USING unnest($2::bigint[], $3::bigint[]) AS r (first, last)
     WHERE b.ledger_id = $1 AND b.index BETWEEN r.first AND r.last
    RETURNING b.index, b.from_at, b.to_at, b.far, b.series
)
SELECT far, unnest(series) AS series, index, from_at, to_at FROM gone
