COPY unsealed (ledger_id, device_id, hour, index, received_at) FROM STDIN (FORMAT binary)
