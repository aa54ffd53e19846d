SELECT device_id, min(hour) AS hour
  FROM rm_windows.device_hour
 WHERE ledger_id = $1 AND waiting_since <= $2 AND hour <= $2 - interval '1 hour'
   AND (device_id, hour) NOT IN (SELECT * FROM unnest($3::uuid[], $4::timestamptz[]))
 GROUP BY device_id
 ORDER BY 2, 1
 LIMIT $5
