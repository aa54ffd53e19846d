-- For each organisation that is asked about, the $3 sites behind $2.
SELECT place.number, to_jsonb(s)
  FROM unnest($1::text[]) WITH ORDINALITY AS place (organisation, number)
 CROSS JOIN LATERAL (
       SELECT * FROM rm_registry.site
        WHERE organisation = place.organisation AND slug > $2
        ORDER BY slug
        LIMIT $3) AS s
 ORDER BY place.number, s.slug
