-- $1 and $2 ledgers and indexes of first payloads, $3 of last ones: the days that have a partition and
-- may hold them, oldest first
SELECT DISTINCT to_date(right(c.relname, 8), 'YYYYMMDD') AS day
FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS r (ledger_id, first, last)
JOIN events f ON f.ledger_id = r.ledger_id AND f.index = r.first
JOIN events l ON l.ledger_id = r.ledger_id AND l.index = r.last
JOIN pg_inherits i ON i.inhparent = 'sealrock.batch_payloads'::regclass
JOIN pg_class c ON c.oid = i.inhrelid
WHERE to_date(right(c.relname, 8), 'YYYYMMDD')
      BETWEEN (f.recorded_at AT TIME ZONE 'UTC')::date AND (l.recorded_at AT TIME ZONE 'UTC')::date
ORDER BY day
