SELECT to_jsonb(d)
  FROM rm_registry.device d
 WHERE organisation = $1 AND ($2::text IS NULL OR site = $2) AND ($3::text IS NULL OR asset = $3)
   AND (site, slug) > ($4, $5)
 ORDER BY site, slug
 LIMIT $6
