-- Each part is cut to the page by itself: the partitions are then opened one after the other.
SELECT *
  FROM ((SELECT *
           FROM rm_readings.reading
          WHERE device_id = $1 AND metric = $2 AND at >= $3 AND at < $4 AND at >= $5
            AND (at, index, ordinal) > ($5, $6, $7)
          ORDER BY at, index, ordinal
          LIMIT $8)
         UNION ALL
        (SELECT *
           FROM rm_readings.far_reading
          WHERE device_id = $1 AND metric = $2 AND at >= $3 AND at < $4 AND at >= $5
            AND (at, index, ordinal) > ($5, $6, $7)
          ORDER BY at, index, ordinal
          LIMIT $8)) AS r
 ORDER BY at, index, ordinal
 LIMIT $8
