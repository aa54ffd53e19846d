-- $4 and $5 are the span that prunes the partitions before anything is read. The parts with OFFSET 0
-- are asked for one stretch and series after the other, by the whole key, whatever the planner's
-- statistics are: in the order of the stretches, so that a page ends where it is full.
SELECT s.ledger_id, r.index, r.ordinal, s.device_id, c.site, s.metric, r.at, r.value, c.truth, r.text,
       s.unit, CASE WHEN c.suspicion IS NULL THEN COALESCE(r.canonical, r.value) END AS canonical,
       c.quality, c.suspicion, c.source
  FROM rm_readings.stretch b
 CROSS JOIN LATERAL unnest(b.series) AS of (series)
 CROSS JOIN LATERAL (SELECT * FROM rm_readings.series n WHERE n.id = of.series OFFSET 0) AS s
 CROSS JOIN LATERAL (
        (SELECT n.*
           FROM rm_readings.reading n
          WHERE NOT b.far AND n.at BETWEEN $4 AND $5
            AND n.series = of.series AND n.at BETWEEN b.from_at AND b.to_at AND n.index = b.index
         OFFSET 0)
         UNION ALL
        (SELECT f.*
           FROM rm_readings.far_reading f
          WHERE b.far
            AND f.series = of.series AND f.at BETWEEN b.from_at AND b.to_at AND f.index = b.index
         OFFSET 0)) AS r
 CROSS JOIN LATERAL (SELECT * FROM rm_readings.context n WHERE n.id = r.context OFFSET 0) AS c
 WHERE b.ledger_id = $1 AND b.index BETWEEN $2 AND $3
   AND (r.index, r.ordinal) > ($6, $7)
   AND ($8::uuid[] IS NULL OR b.device_id = ANY ($8))
   AND ($9::text[] IS NULL OR s.metric = ANY ($9))
 ORDER BY b.index, r.ordinal
 LIMIT $10
