-- $1 organisation, $2 metric; $3 widths, $4 beginnings, $5 ends of the tiles that make up the period;
-- $6 and $7 the period.
WITH stack AS (
    SELECT id, site, slug, assumptions ->> 'biogenic_fraction' AS biogenic_fraction, retired,
           registered_at
      FROM rm_registry.asset
     WHERE organisation = $1 AND kind = 'stack'
),
-- The devices at a stack that measured what it emits, and how many they are.
measuring AS (
    SELECT stack.id AS stack_id, device.id AS device_id,
           count(*) OVER (PARTITION BY stack.id) AS devices
      FROM stack
      JOIN rm_registry.device
        ON device.organisation = $1 AND device.site = stack.site AND device.asset = stack.slug
     WHERE EXISTS (SELECT
                     FROM rm_rollups.rollup
                    WHERE device_id = device.id AND metric = $2 AND width = 86400
                      AND bucket > $6 - interval '1 day' AND bucket < $7)
),
-- LATERAL and OFFSET 0: by the whole key, for each device and tile, whatever the planner knows of them.
measured AS (
    SELECT stack_id, sum(filled) AS filled, sum(mean_sum ORDER BY bucket) AS mean_sum
      FROM measuring
     CROSS JOIN unnest($3::integer[], $4::timestamptz[], $5::timestamptz[]) AS tile (wide, begins, ends)
     CROSS JOIN LATERAL (SELECT bucket, filled, mean_sum
                           FROM rm_rollups.rollup
                          WHERE device_id = measuring.device_id AND metric = $2 AND width = wide
                            AND bucket >= begins AND bucket < ends
                         OFFSET 0) AS of_device
     WHERE devices = 1
     GROUP BY stack_id
    UNION ALL
    -- Several devices at one stack: one mean of every five minutes, so the wider buckets do not serve.
    SELECT stack_id, count(*), sum(mean ORDER BY bucket)
      FROM (SELECT stack_id, bucket, avg(mean_sum ORDER BY device_id) AS mean
              FROM measuring
             CROSS JOIN LATERAL (SELECT bucket, mean_sum
                                   FROM rm_rollups.rollup
                                  WHERE device_id = measuring.device_id AND metric = $2
                                    AND width = 300 AND bucket >= $6 AND bucket < $7
                                 OFFSET 0) AS of_device
             WHERE devices > 1
             GROUP BY stack_id, bucket) AS together
     GROUP BY stack_id
)
SELECT stack.site, stack.slug, stack.biogenic_fraction,
       coalesce(measured.filled, 0)::bigint AS filled, coalesce(measured.mean_sum, 0) AS mean_sum,
       ARRAY (SELECT device_id FROM measuring WHERE stack_id = stack.id ORDER BY 1) AS devices
  FROM stack
  LEFT JOIN measured ON measured.stack_id = stack.id
 -- One that was registered in the five minutes that run belongs to a period that ends with the present.
 WHERE measured.filled > 0
    OR (NOT stack.retired AND stack.registered_at < $7 + interval '5 minutes')
 ORDER BY stack.site, stack.slug
