-- $1 device, $2 metrics (all that there are: the key goes by metric), $3 widths, $4 and $5 the day
DELETE FROM rollup
 WHERE device_id = $1 AND metric = ANY ($2) AND width = ANY ($3) AND bucket >= $4 AND bucket < $5
