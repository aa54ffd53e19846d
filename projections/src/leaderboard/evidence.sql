-- For each group of devices ($2 numbers, $3 devices), the newest seals of their hours, and the batches that
-- no seal holds. $1 ledger, $4 and $5 the period, $6 limit. The hour before is looked at too: a batch lies
-- in the hour of its first reading.
SELECT asked.number, entry.index
  FROM (SELECT number, array_agg(device_id) AS devices
          FROM unnest($2::bigint[], $3::uuid[]) AS one (number, device_id)
         GROUP BY number) AS asked
 CROSS JOIN LATERAL (
       SELECT index
         FROM (SELECT seal_index AS index
                 FROM rm_windows.device_hour
                WHERE ledger_id = $1 AND device_id = ANY (asked.devices) AND seal_index IS NOT NULL
                  AND hour > $4 - interval '2 hours' AND hour < $5
                UNION ALL
               SELECT index
                 FROM rm_windows.unsealed
                WHERE ledger_id = $1 AND device_id = ANY (asked.devices)
                  AND hour > $4 - interval '2 hours' AND hour < $5) AS found
        ORDER BY index
        LIMIT $6) AS entry
 ORDER BY asked.number, entry.index
