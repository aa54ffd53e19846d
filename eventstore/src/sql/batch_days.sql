-- The days that `batch_payloads` has a partition for, oldest first
SELECT to_date(right(c.relname, 8), 'YYYYMMDD')
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'sealrock.batch_payloads'::regclass
ORDER BY 1
