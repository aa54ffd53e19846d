-- $1 device, $2 metrics, $3 before this day, if given
SELECT max(day)
  FROM metric_day
 WHERE device_id = $1 AND metric = ANY ($2) AND ($3::date IS NULL OR day < $3)
