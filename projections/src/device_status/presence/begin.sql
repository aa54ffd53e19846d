UPDATE rm_runner.presence
   SET online = false, since = $2
 WHERE online AND (node = $1 OR node IS NULL)
