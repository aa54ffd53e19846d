-- Those who count as here and are not.
UPDATE rm_runner.presence AS p
   SET online = false, since = now()
 WHERE p.node = $1 AND p.online
   AND NOT EXISTS (SELECT FROM unnest($2::uuid[]) AS device_id WHERE device_id = p.device_id)
