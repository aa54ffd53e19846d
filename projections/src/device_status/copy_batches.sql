COPY batch (ledger_id, index, device_id, boot, seq, readings, suspect, received_at)
FROM STDIN (FORMAT binary)
