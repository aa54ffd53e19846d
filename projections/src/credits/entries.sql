-- $4 is the entry behind which is looked.
SELECT to_jsonb(e)
  FROM rm_credits.account_entry e
 WHERE ledger_id = $1 AND account = $2 AND index > $3 AND index <= $4
 ORDER BY index
 LIMIT $5
