-- $1 ledger, $2 and $3 first and last indexes of ranges: the span of the readings in partitions
WITH gone AS (
    DELETE FROM batch b
     USING unnest($2::bigint[], $3::bigint[]) AS r (first, last)
     WHERE b.ledger_id = $1 AND b.index BETWEEN r.first AND r.last
    RETURNING b.from_at, b.to_at
)
SELECT min(from_at), max(to_at) FROM gone
