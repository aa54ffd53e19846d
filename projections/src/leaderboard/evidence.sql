-- The newest seals of the devices' hours, and the batches that no seal holds. The hour before is looked
-- at too: a batch lies in the hour of its first reading.
SELECT index
  FROM (SELECT seal_index AS index
          FROM rm_windows.device_hour
         WHERE ledger_id = $1 AND device_id = ANY ($2) AND seal_index IS NOT NULL
           AND hour > $3 - interval '2 hours' AND hour < $4
         UNION ALL
        SELECT index
          FROM rm_windows.unsealed
         WHERE ledger_id = $1 AND device_id = ANY ($2)
           AND hour > $3 - interval '2 hours' AND hour < $4) AS entry
 ORDER BY index
 LIMIT $5
