-- $1 device, $2 metrics (all that there are: the key goes by metric), $3 widths, $4 and $5 the day
SELECT device_id, metric, width, bucket, count, sum, min, max, first, first_at, last, last_at, filled,
       mean_sum
  FROM rollup
 WHERE device_id = $1 AND metric = ANY ($2) AND width = ANY ($3) AND bucket >= $4 AND bucket < $5
