INSERT INTO rm_runner.presence AS p (device_id, online, since)
VALUES ($1, $2, $3)
ON CONFLICT (device_id) DO UPDATE
   SET online = excluded.online, since = excluded.since
 WHERE excluded.since >= p.since AND excluded.online <> p.online
