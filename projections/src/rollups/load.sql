-- LATERAL and OFFSET 0: by the whole key, in the table of that width, whatever the planner knows of them.
SELECT r.device_id, r.metric, r.width, r.bucket, r.count, r.sum, r.min, r.max, r.first, r.first_at,
       r.last, r.last_at, r.filled, r.mean_sum
  FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::timestamptz[])
       AS k (device_id, metric, width, bucket)
 CROSS JOIN LATERAL (SELECT *
                       FROM rollup
                      WHERE device_id = k.device_id AND metric = k.metric AND width = k.width
                        AND bucket = k.bucket
                     OFFSET 0) AS r
