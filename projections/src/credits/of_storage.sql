-- $2 is the entry behind which is looked, $4 the entry that began the last one before the page.
SELECT to_jsonb(r), q.row
  FROM rm_credits.reservation r
  LEFT JOIN LATERAL (SELECT to_jsonb(q) AS row
                       FROM rm_credits.request q
                      WHERE q.issuance = r.issuance AND q.to_index IS NULL
                      ORDER BY q.ledger_id DESC
                      LIMIT 1) q ON true
 WHERE r.ledger_id = $1 AND r.from_index <= $2 AND (r.to_index IS NULL OR r.to_index > $2)
   AND r.reserved_index < $4
 ORDER BY r.reserved_index DESC
 LIMIT $3
