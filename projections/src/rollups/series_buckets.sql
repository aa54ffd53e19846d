-- As the statement for stored widths, where the buckets that are asked for are those that are stored.
SELECT bucket AS start, count, sum, min, max, first, first_at, last, last_at
  FROM rm_rollups.rollup
 WHERE width = $1 AND device_id = $2 AND metric = $3 AND bucket >= $4 AND bucket < $5
   AND $6::double precision = $1
 ORDER BY bucket
