SELECT bucket, count, sum / count AS avg, min, max
  FROM rm_rollups.rollup
 WHERE device_id = $1 AND metric = $2 AND width = $3 AND bucket >= $4 AND bucket < $5
 ORDER BY bucket
