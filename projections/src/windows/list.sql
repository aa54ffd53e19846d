SELECT hour, waiting_since, seal_index, seals, sealed_at, batches, root
  FROM rm_windows.device_hour
 WHERE device_id = $1 AND hour < $2
 ORDER BY hour DESC
 LIMIT $3
