-- For each device that is asked about, its $3 newest hours before $2.
SELECT device.id, hour, waiting_since, seal_index, seals, sealed_at, batches, root
  FROM unnest($1::uuid[]) AS device (id)
 CROSS JOIN LATERAL (
       SELECT * FROM rm_windows.device_hour
        WHERE device_id = device.id AND hour < $2
        ORDER BY hour DESC
        LIMIT $3) AS of_device
 ORDER BY device.id, hour DESC
