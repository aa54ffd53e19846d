-- $1 ledger, then devices, metrics and units: the id of each in their order, NULL of one not there
SELECT s.id
  FROM unnest($2::uuid[], $3::text[], $4::text[]) WITH ORDINALITY AS w (device_id, metric, unit, nth)
  LEFT JOIN series s
    ON s.device_id = w.device_id AND s.metric = w.metric AND s.unit IS NOT DISTINCT FROM w.unit
   AND s.ledger_id = $1
 ORDER BY w.nth
