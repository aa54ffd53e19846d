-- Who comes to a node is there. Who leaves a node is away, unless another node has seen it come. Of one
-- node's news older ones change nothing, and nor does what is known.
INSERT INTO rm_runner.presence AS p (node, device_id, online, since)
VALUES ($1, $2, $3, $4)
ON CONFLICT (device_id) DO UPDATE
   SET node = excluded.node, online = excluded.online, since = excluded.since
 WHERE CASE WHEN p.node = excluded.node
            THEN excluded.since >= p.since AND excluded.online <> p.online
            ELSE excluded.online OR p.node IS NULL
       END
