-- $1 ledger, then devices, metrics and units: the id of each in their order, NULL of one not there.
-- In two parts, each by the whole key: IS NOT DISTINCT FROM would pass all units of a metric.
SELECT s.id
  FROM unnest($2::uuid[], $3::text[], $4::text[]) WITH ORDINALITY AS w (device_id, metric, unit, nth)
  LEFT JOIN LATERAL (
        SELECT n.id
          FROM series n
         WHERE n.device_id = w.device_id AND n.metric = w.metric AND n.unit = w.unit
           AND n.ledger_id = $1
         UNION ALL
        SELECT n.id
          FROM series n
         WHERE n.device_id = w.device_id AND n.metric = w.metric AND n.unit IS NULL
           AND n.ledger_id = $1 AND w.unit IS NULL
         OFFSET 0) AS s ON true
 ORDER BY w.nth
