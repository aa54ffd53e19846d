SELECT site.slug, site.display_name, 1000 * sum(mean_sum) / sum(filled) AS kg_per_h, sum(filled) AS filled
  FROM rm_registry.device
  JOIN rm_registry.site ON site.organisation = device.organisation AND site.slug = device.site
  JOIN rm_rollups.rollup ON rollup.device_id = device.id
 WHERE device.organisation = $1 AND device.slug = 'stack-probe'
   AND metric = $2 AND width = 86400 AND bucket >= $3 AND bucket < $4
 GROUP BY site.slug, site.display_name
 ORDER BY kg_per_h
