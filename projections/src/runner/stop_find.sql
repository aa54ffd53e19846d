SELECT stopped_index, reason, stopped_at
  FROM rm_runner.stop
 WHERE projection = $1 AND ledger_id = $2
