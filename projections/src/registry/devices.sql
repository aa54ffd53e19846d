-- For each place that is asked about, the $6 devices behind ($4, $5).
SELECT place.number, to_jsonb(d)
  FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS place (organisation, site, asset, number)
 CROSS JOIN LATERAL (
       SELECT *
         FROM rm_registry.device
        WHERE organisation = place.organisation AND (place.site IS NULL OR site = place.site)
          AND (place.asset IS NULL OR asset = place.asset) AND (site, slug) > ($4, $5)
        ORDER BY site, slug
        LIMIT $6) AS d
 ORDER BY place.number, d.site, d.slug
