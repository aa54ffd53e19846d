SELECT DISTINCT ON (id) to_jsonb(b)
  FROM rm_credits.block b
 WHERE (id = ANY ($1) OR issuance = ANY ($2)) AND to_index IS NULL
 ORDER BY id, ledger_id DESC
