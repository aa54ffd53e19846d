COPY batch_day (ledger_id, device_id, day, index) FROM STDIN (FORMAT binary)
