-- $1 ledger, $2 and $3 devices and metrics: the id of each in their order, NULL of one not there
SELECT s.id
  FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY AS w (device_id, metric, nth)
  LEFT JOIN series s
    ON s.device_id = w.device_id AND s.metric = w.metric AND s.ledger_id = $1
 ORDER BY w.nth
