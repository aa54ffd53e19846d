-- $1 ledger, then devices, metrics and units
INSERT INTO series (ledger_id, device_id, metric, unit)
SELECT $1, w.*
  FROM unnest($2::uuid[], $3::text[], $4::text[]) AS w
