-- $1 ledger, $2 and $3 devices and metrics
INSERT INTO series (ledger_id, device_id, metric)
SELECT $1, device_id, metric
  FROM unnest($2::uuid[], $3::text[]) AS w (device_id, metric)
