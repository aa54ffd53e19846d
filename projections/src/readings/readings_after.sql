SELECT *
  FROM (SELECT *
          FROM rm_readings.reading
         WHERE ledger_id = $1 AND index BETWEEN $2 AND $3 AND at BETWEEN $4 AND $5
         UNION ALL
        SELECT *
          FROM rm_readings.far_reading
         WHERE ledger_id = $1 AND index BETWEEN $2 AND $3) AS r
 WHERE (index, ordinal) > ($6, $7)
   AND ($8::uuid[] IS NULL OR device_id = ANY ($8))
   AND ($9::text[] IS NULL OR metric = ANY ($9))
 ORDER BY index, ordinal
 LIMIT $10
