SELECT to_jsonb(e)
  FROM rm_credits.account_entry e
 WHERE ledger_id = $1 AND account = $2 AND index > $3
 ORDER BY index
 LIMIT $4
