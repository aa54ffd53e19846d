SELECT r.device_id, r.metric, r.width, r.bucket, r.count, r.sum, r.min, r.max, r.first, r.first_at,
       r.last, r.last_at, r.filled, r.mean_sum
  FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::timestamptz[])
       AS k (device_id, metric, width, bucket)
  JOIN rollup r USING (device_id, metric, width, bucket)
