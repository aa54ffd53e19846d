-- An hour whose only batches were erased before a seal held them.
DELETE FROM device_hour
 USING unnest($1::uuid[], $2::timestamptz[]) AS touched (device_id, hour)
 WHERE device_hour.device_id = touched.device_id AND device_hour.hour = touched.hour
   AND waiting_since IS NULL AND seal_index IS NULL
