-- $3 is the entry behind which is looked.
SELECT to_jsonb(a)
  FROM rm_credits.account a
 WHERE ledger_id = $1 AND ($2::uuid IS NULL OR site_id = $2)
   AND from_index <= $3 AND (to_index IS NULL OR to_index > $3)
 ORDER BY site, year
