UPDATE rm_runner.presence SET online = false, since = $1 WHERE online
