INSERT INTO device_hour AS known
       (ledger_id, device_id, hour, seal_index, seals, sealed_at, batches, root)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (device_id, hour) DO UPDATE
   SET seal_index = excluded.seal_index,
       seals      = excluded.seals,
       sealed_at  = excluded.sealed_at,
       batches    = excluded.batches,
       root       = excluded.root
