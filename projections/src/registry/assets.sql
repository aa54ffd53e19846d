-- For each place that is asked about, the $6 assets behind ($4, $5). $3 (the asset of devices) is of no
-- meaning here.
SELECT place.number, to_jsonb(a)
  FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS place (organisation, site, asset, number)
 CROSS JOIN LATERAL (
       SELECT *
         FROM rm_registry.asset
        WHERE organisation = place.organisation AND (place.site IS NULL OR site = place.site)
          AND (site, slug) > ($4, $5)
        ORDER BY site, slug
        LIMIT $6) AS a
 ORDER BY place.number, a.site, a.slug
