-- $3 (the asset of devices) is of no meaning here.
SELECT to_jsonb(a)
  FROM rm_registry.asset a
 WHERE organisation = $1 AND ($2::text IS NULL OR site = $2) AND ($3::text IS NULL OR true)
   AND (site, slug) > ($4, $5)
 ORDER BY site, slug
 LIMIT $6
