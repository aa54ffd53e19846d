SELECT s.*, p.online, p.since
  FROM rm_device_status.device_status s
  LEFT JOIN rm_runner.presence p USING (device_id)
 WHERE s.device_id = ANY ($1)
 ORDER BY s.device_id
