SELECT to_jsonb(s)
  FROM rm_registry.site s
 WHERE organisation = $1 AND slug > $2
 ORDER BY slug
 LIMIT $3
