-- Those who are here and count as away: this node was taken for dead, or news came late.
INSERT INTO rm_runner.presence AS p (node, device_id, online, since)
SELECT $1, device_id, true, now() FROM unnest($2::uuid[]) AS device_id
ON CONFLICT (device_id) DO UPDATE
   SET node = excluded.node, online = true, since = excluded.since
 WHERE NOT p.online
