-- $1 ledger, $2 as of, $3 ids, $4 site, $5 kind, $6 status, $7 changed from
SELECT to_jsonb(well)
  FROM rm_wells.well
 WHERE ledger_id = $1
   AND coalesce(from_index <= $2::bigint, true)
   AND (to_index IS NULL OR to_index > $2::bigint)
   AND ($3::uuid[] IS NULL OR well_id = ANY ($3))
   AND ($4::text IS NULL OR site = $4)
   AND ($5::text IS NULL OR kind = $5)
   AND ($6::text IS NULL OR status = $6)
   AND ($7::bigint IS NULL OR from_index >= $7)
 ORDER BY site, slug
