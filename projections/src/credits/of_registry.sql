-- $2 is the entry behind which is looked, $4 the entry that began the last one before the page.
SELECT r.row, to_jsonb(q)
  FROM rm_credits.request q
  LEFT JOIN LATERAL (SELECT to_jsonb(r) AS row
                       FROM rm_credits.reservation r
                      WHERE r.issuance = q.issuance AND r.to_index IS NULL
                      ORDER BY r.ledger_id DESC
                      LIMIT 1) r ON true
 WHERE q.ledger_id = $1 AND q.from_index <= $2 AND (q.to_index IS NULL OR q.to_index > $2)
   AND q.requested_index < $4
 ORDER BY q.requested_index DESC
 LIMIT $3
