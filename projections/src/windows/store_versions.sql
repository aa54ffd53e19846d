INSERT INTO gap_stream (device_id, version)
SELECT device_id, max(version)
  FROM unnest($1::uuid[], $2::bigint[]) AS named (device_id, version)
 GROUP BY device_id
ON CONFLICT (device_id) DO UPDATE SET version = excluded.version
