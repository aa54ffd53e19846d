COPY batch (ledger_id, index, device_id, from_at, to_at) FROM STDIN (FORMAT binary)
