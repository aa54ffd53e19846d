SELECT index, from_at, to_at
  FROM rm_readings.batch
 WHERE ledger_id = $1 AND index >= $2 AND index < $3
   AND ($4::uuid[] IS NULL OR device_id = ANY ($4))
 ORDER BY index
 LIMIT $5
