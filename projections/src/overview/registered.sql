-- $1 organisation, $2 since when a device that sent something counts as reporting.
SELECT (SELECT count(*) FROM rm_registry.site WHERE organisation = $1 AND NOT retired) AS sites,
       count(*) AS devices,
       count(*) FILTER (WHERE presence.online) AS online,
       count(*) FILTER (WHERE status.last_seen >= $2) AS reporting
  FROM rm_registry.device
  LEFT JOIN rm_runner.presence ON presence.device_id = device.id
  LEFT JOIN rm_device_status.device_status AS status ON status.device_id = device.id
 WHERE organisation = $1 AND NOT decommissioned
