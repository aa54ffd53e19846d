-- $3 is the entry behind which is looked, $4 the entry that issued the last block before the page.
SELECT to_jsonb(b)
  FROM rm_credits.block b
 WHERE ledger_id = $1 AND ($2::text IS NULL OR holder = $2)
   AND from_index <= $3 AND (to_index IS NULL OR to_index > $3)
   AND issued_index > $4
 ORDER BY issued_index
 LIMIT $5
