INSERT INTO device_hour (ledger_id, device_id, hour, waiting_since)
SELECT $1, device_id, hour,
       (SELECT received_at
          FROM unsealed
         WHERE unsealed.device_id = touched.device_id AND unsealed.hour = touched.hour
         ORDER BY index
         LIMIT 1)
  FROM unnest($2::uuid[], $3::timestamptz[]) AS touched (device_id, hour)
ON CONFLICT (device_id, hour) DO UPDATE SET waiting_since = excluded.waiting_since
