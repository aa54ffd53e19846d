-- Of a node that died nobody knows more than when it was last seen.
WITH dead AS (
    DELETE FROM rm_runner.node
     WHERE seen_at < now() - make_interval(secs => $1)
    RETURNING id, seen_at
)
UPDATE rm_runner.presence AS p
   SET online = false, since = dead.seen_at
  FROM dead
 WHERE p.node = dead.id AND p.online
