SELECT r.row, q.row
  FROM unnest($1::uuid[]) AS wanted (issuance)
  LEFT JOIN LATERAL (SELECT to_jsonb(r) AS row
                       FROM rm_credits.reservation r
                      WHERE r.issuance = wanted.issuance AND r.to_index IS NULL
                      ORDER BY r.ledger_id DESC
                      LIMIT 1) r ON true
  LEFT JOIN LATERAL (SELECT to_jsonb(q) AS row
                       FROM rm_credits.request q
                      WHERE q.issuance = wanted.issuance AND q.to_index IS NULL
                      ORDER BY q.ledger_id DESC
                      LIMIT 1) q ON true
 WHERE r.row IS NOT NULL OR q.row IS NOT NULL
