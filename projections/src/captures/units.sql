-- For each that is asked about ($2 site, $3 unit; NULL for any), the units. $1 ledger, $4 as of
SELECT asked.number, to_jsonb(unit)
  FROM unnest($2::text[], $3::uuid[]) WITH ORDINALITY AS asked (site, unit_id, number)
  JOIN rm_captures.unit
    ON unit.ledger_id = $1
   AND (asked.site IS NULL OR unit.site = asked.site)
   AND (asked.unit_id IS NULL OR unit.unit_id = asked.unit_id)
   AND coalesce(unit.from_index <= $4::bigint, true)
   AND (unit.to_index IS NULL OR unit.to_index > $4::bigint)
 ORDER BY asked.number, unit.site COLLATE "C", unit.slug COLLATE "C"
