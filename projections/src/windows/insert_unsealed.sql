INSERT INTO unsealed (ledger_id, device_id, hour, index, received_at)
SELECT $1, *
  FROM unnest($2::uuid[], $3::timestamptz[], $4::bigint[], $5::timestamptz[])
