-- Sums are taken in order of time, so that a series has the same last bit each time it is asked.
SELECT date_bin(make_interval(secs => $6), bucket, 'epoch') AS start,
       sum(count)::bigint                                   AS count,
       sum(sum ORDER BY bucket)                             AS sum,
       min(min)                                             AS min,
       max(max)                                             AS max,
       (array_agg(first ORDER BY first_at, bucket))[1]      AS first,
       min(first_at)                                        AS first_at,
       (array_agg(last ORDER BY last_at DESC, bucket))[1]   AS last,
       max(last_at)                                         AS last_at
  FROM rm_rollups.rollup
 WHERE width = $1 AND device_id = $2 AND metric = $3 AND bucket >= $4 AND bucket < $5
 GROUP BY 1
 ORDER BY 1
