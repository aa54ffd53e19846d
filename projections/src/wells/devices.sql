-- $1 organisation, $2 and $3 sites and assets
SELECT device.id, device.site, device.asset
  FROM rm_registry.device
  JOIN unnest($2::text[], $3::text[]) AS wanted (site, asset) USING (site, asset)
 WHERE device.organisation = $1 AND NOT device.decommissioned
