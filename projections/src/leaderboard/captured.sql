-- $1 ledger, $2 and $3 the period, $4 the most indexes. A record belongs to the period in which its own
-- begins.
SELECT site, sum(captured_g)::text AS grams, count(*) AS records,
       (array_agg(from_index ORDER BY from_index))[1:$4] AS indexes
  FROM rm_captures.capture
 WHERE ledger_id = $1 AND to_index IS NULL
   AND day >= ($2::timestamptz AT TIME ZONE 'UTC')::date
   AND day <= ($3::timestamptz AT TIME ZONE 'UTC')::date
   AND from_at >= $2 AND from_at < $3
 GROUP BY site
