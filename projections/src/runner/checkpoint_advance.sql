UPDATE checkpoint
   SET next_index = $2, updated_at = now()
 WHERE ledger_id = $1
