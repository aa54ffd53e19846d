SELECT index, min(from_at) FILTER (WHERE NOT far), max(to_at) FILTER (WHERE NOT far)
  FROM rm_readings.stretch
 WHERE ledger_id = $1 AND index >= $2 AND index < $3
   AND ($4::uuid[] IS NULL OR device_id = ANY ($4))
 GROUP BY index
 ORDER BY index
 LIMIT $5
