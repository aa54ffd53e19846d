-- $1 ledger, $2 and $3 first and last indexes of ranges
DELETE FROM batch b
 USING unnest($2::bigint[], $3::bigint[]) AS r (first, last)
 WHERE b.ledger_id = $1 AND b.index BETWEEN r.first AND r.last
RETURNING to_jsonb(b)
