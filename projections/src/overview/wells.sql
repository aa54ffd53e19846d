-- $1 ledger, $2 organisation, $3 since when a monitoring well must have measured something.
SELECT count(*) FILTER (WHERE kind = 'injector') AS injectors,
       count(*) FILTER (WHERE kind = 'injector' AND status = 'injecting') AS injecting,
       count(*) FILTER (WHERE kind = 'monitor') AS monitors,
       count(*) FILTER (WHERE kind = 'monitor' AND EXISTS (
           SELECT
             FROM rm_registry.device
             JOIN rm_latest.latest ON latest.device_id = device.id
            WHERE device.organisation = $2 AND device.site = well.site AND device.asset = well.slug
              AND latest.at >= $3
       )) AS monitoring,
       coalesce(array_agg(from_index ORDER BY from_index), '{}') AS indexes
  FROM rm_wells.well
 WHERE ledger_id = $1 AND to_index IS NULL AND status <> 'plugged'
