-- One statement, so that the entries are those which this seal does not hold.
SELECT seal_index, seals,
       ARRAY(SELECT index
               FROM rm_windows.unsealed
              WHERE unsealed.device_id = $1 AND unsealed.hour = $2
              ORDER BY index
              LIMIT $3) AS entries
  FROM rm_windows.device_hour
 WHERE device_id = $1 AND hour = $2
