SELECT to_jsonb(e)
  FROM rm_credits.account_entry e
 WHERE ledger_id = $1 AND account = $2 AND from_g < $4 AND to_g > $3
 ORDER BY index
