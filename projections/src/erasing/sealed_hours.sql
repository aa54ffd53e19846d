SELECT ledger_id, index
  FROM sealed_hour
 WHERE device_id = $1 AND hour >= $2 AND hour < $3
 ORDER BY ledger_id, hour
