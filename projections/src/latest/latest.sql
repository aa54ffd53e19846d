SELECT *
  FROM rm_latest.latest
 WHERE ledger_id = $1
   AND ($2::uuid[] IS NULL OR device_id = ANY ($2))
   AND ($3::text[] IS NULL OR site = ANY ($3))
   AND ($4::text[] IS NULL OR metric = ANY ($4))
   AND ($5::bigint IS NULL OR index >= $5)
 ORDER BY device_id, metric
