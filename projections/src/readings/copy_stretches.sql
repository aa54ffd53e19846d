COPY stretch (ledger_id, index, device_id, from_at, to_at, far, series) FROM STDIN (FORMAT binary)
