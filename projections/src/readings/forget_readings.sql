-- $1 ledger, $2 and $3 first and last indexes of ranges, $4 and $5 the span that prunes the partitions
WITH far AS (
    DELETE FROM far_reading f
     USING unnest($2::bigint[], $3::bigint[]) AS r (first, last)
     WHERE f.ledger_id = $1 AND f.index BETWEEN r.first AND r.last
)
DELETE FROM reading n
 USING unnest($2::bigint[], $3::bigint[]) AS r (first, last)
 WHERE n.ledger_id = $1 AND n.index BETWEEN r.first AND r.last AND n.at BETWEEN $4 AND $5
