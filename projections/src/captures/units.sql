-- $1 ledger, $2 site, $3 unit, $4 as of
SELECT to_jsonb(unit)
  FROM rm_captures.unit
 WHERE ledger_id = $1
   AND ($2::text IS NULL OR site = $2)
   AND ($3::uuid IS NULL OR unit_id = $3)
   AND coalesce(from_index <= $4::bigint, true)
   AND (to_index IS NULL OR to_index > $4::bigint)
 ORDER BY site COLLATE "C", slug COLLATE "C"
