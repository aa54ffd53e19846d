-- $1 is always 0: the statement for stored widths has the width there.
SELECT date_bin(make_interval(secs => $6), at, 'epoch')                              AS start,
       count(*)                                                                      AS count,
       sum(canonical ORDER BY index, ordinal)                                        AS sum,
       min(canonical)                                                                AS min,
       max(canonical)                                                                AS max,
       (array_agg(canonical ORDER BY at, index, ordinal))[1]                         AS first,
       min(at)                                                                       AS first_at,
       (array_agg(canonical ORDER BY at DESC, index DESC, ordinal DESC))[1]          AS last,
       max(at)                                                                       AS last_at
  FROM (SELECT device_id, metric, at, index, ordinal, canonical FROM rm_readings.reading
         UNION ALL
        SELECT device_id, metric, at, index, ordinal, canonical FROM rm_readings.far_reading) AS r
 WHERE $1 = 0 AND device_id = $2 AND metric = $3 AND at >= $4 AND at < $5
   AND canonical IS NOT NULL
 GROUP BY 1
 ORDER BY 1
