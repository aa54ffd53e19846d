-- $1 ledger, $2 and $3 first and last indexes of ranges
DELETE FROM latest l
 USING unnest($2::bigint[], $3::bigint[]) AS r (first, last)
 WHERE l.ledger_id = $1 AND l.index BETWEEN r.first AND r.last
RETURNING l.device_id, l.metric
