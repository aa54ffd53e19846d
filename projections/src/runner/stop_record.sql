INSERT INTO rm_runner.stop (projection, ledger_id, stopped_index, reason)
VALUES ($1, $2, $3, $4)
ON CONFLICT (projection, ledger_id)
DO UPDATE SET stopped_index = excluded.stopped_index,
              reason        = excluded.reason,
              stopped_at    = now()
