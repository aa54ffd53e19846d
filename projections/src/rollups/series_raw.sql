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
  FROM (SELECT n.at, n.index, n.ordinal, COALESCE(n.canonical, n.value) AS canonical
          FROM rm_readings.series s
         CROSS JOIN LATERAL (
                (SELECT * FROM rm_readings.reading
                  WHERE series = s.id AND at >= $4 AND at < $5 OFFSET 0)
                 UNION ALL
                (SELECT * FROM rm_readings.far_reading
                  WHERE series = s.id AND at >= $4 AND at < $5 OFFSET 0)) AS n
          JOIN rm_readings.context c ON c.id = n.context
         WHERE $1 = 0 AND s.device_id = $2 AND s.metric = $3 AND c.suspicion IS NULL) AS r
 GROUP BY 1
 ORDER BY 1
