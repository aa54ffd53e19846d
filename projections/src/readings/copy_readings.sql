 (ledger_id, index, ordinal, device_id, site, metric, at, value, truth, text, unit, canonical,
  quality, suspicion, source)
FROM STDIN (FORMAT binary)
