-- Each part is cut to the page by itself: the partitions are then opened one after the other. There
-- is a series for each unit that the device named and each ledger that speaks of it: mostly one.
SELECT s.ledger_id, r.index, r.ordinal, s.device_id, c.site, s.metric, r.at, r.value, c.truth, r.text,
       s.unit, CASE WHEN c.suspicion IS NULL THEN COALESCE(r.canonical, r.value) END AS canonical,
       c.quality, c.suspicion, c.source
  FROM rm_readings.series s
 CROSS JOIN LATERAL (
        (SELECT n.*
           FROM rm_readings.reading n
          WHERE n.series = s.id AND n.at >= $3 AND n.at < $4 AND n.at >= $5
            AND (n.at, n.index, n.ordinal) > ($5, $6, $7)
          ORDER BY n.at, n.index, n.ordinal
          LIMIT $8)
         UNION ALL
        (SELECT n.*
           FROM rm_readings.far_reading n
          WHERE n.series = s.id AND n.at >= $3 AND n.at < $4 AND n.at >= $5
            AND (n.at, n.index, n.ordinal) > ($5, $6, $7)
          ORDER BY n.at, n.index, n.ordinal
          LIMIT $8)) AS r
  JOIN rm_readings.context c ON c.id = r.context
 WHERE s.device_id = $1 AND s.metric = $2
 ORDER BY r.at, r.index, r.ordinal
 LIMIT $8
