SELECT l.device_id, d.slug, d.display_name, l.metric, l.at, l.value, l.unit, l.source, l.index
  FROM rm_latest.latest l
  JOIN rm_registry.device d ON d.id = l.device_id
 WHERE l.ledger_id = $1 AND l.site = $2
 ORDER BY l.device_id, l.metric
