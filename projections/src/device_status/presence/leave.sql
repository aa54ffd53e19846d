WITH left_now AS (DELETE FROM rm_runner.node WHERE id = $1)
UPDATE rm_runner.presence SET online = false, since = $2 WHERE node = $1 AND online
