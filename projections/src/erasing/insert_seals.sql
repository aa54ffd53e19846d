INSERT INTO seal (ledger_id, device_id, hour, index, first_entry, last_entry)
SELECT $1, * FROM unnest($2::uuid[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[])
ON CONFLICT (device_id, hour, ledger_id) DO UPDATE
   SET index       = excluded.index,
       first_entry = excluded.first_entry,
       last_entry  = excluded.last_entry
