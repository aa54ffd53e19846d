-- For each bucket, and each ledger that has readings of it, the entries of those that count, and whether
-- there may be more readings than were looked at. Each part is cut by itself: the partitions are then
-- opened one after the other.
SELECT b.number, s.ledger_id, count(*) >= $5 AS cut,
       COALESCE(array_agg(DISTINCT r.index) FILTER (
           WHERE c.suspicion IS NULL AND COALESCE(r.canonical, r.value) IS NOT NULL), '{}') AS indexes
  FROM UNNEST($3::timestamptz[], $4::timestamptz[]) WITH ORDINALITY AS b (start, until, number)
 CROSS JOIN rm_readings.series s
 CROSS JOIN LATERAL (
        (SELECT n.index, n.context, n.canonical, n.value
           FROM rm_readings.reading n
          WHERE n.series = s.id AND n.at >= b.start AND n.at < b.until
          ORDER BY n.at, n.index, n.ordinal
          LIMIT $5)
         UNION ALL
        (SELECT n.index, n.context, n.canonical, n.value
           FROM rm_readings.far_reading n
          WHERE n.series = s.id AND n.at >= b.start AND n.at < b.until
          ORDER BY n.at, n.index, n.ordinal
          LIMIT $5)) AS r
  JOIN rm_readings.context c ON c.id = r.context
 WHERE s.device_id = $1 AND s.metric = $2
 GROUP BY b.number, s.ledger_id
 ORDER BY b.number, s.ledger_id
