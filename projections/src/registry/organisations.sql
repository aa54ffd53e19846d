SELECT to_jsonb(o)
  FROM rm_registry.organisation o
 WHERE ($1::text[] IS NULL OR slug = ANY ($1)) AND slug > $2
 ORDER BY slug
 LIMIT $3
