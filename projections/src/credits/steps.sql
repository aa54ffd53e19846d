-- Begins with what is reserved now, which is little (index reservation_reserved). A ledger that
-- continues another one has its reservations too: the newer one counts.
SELECT o.issuance, q.issuance IS NULL AS opens,
       CASE WHEN q.issuance IS NULL THEN source.origin || '#' || o.reserved_index
            ELSE decision.origin || '#' || coalesce(b.issued_index, q.decided_index) END AS citation
  FROM rm_credits.reservation o
  JOIN ledgers source ON source.ledger_id = o.ledger_id
  LEFT JOIN LATERAL (SELECT issuance, ledger_id, state, decided_index
                       FROM rm_credits.request
                      WHERE issuance = o.issuance AND to_index IS NULL
                      ORDER BY ledger_id DESC
                      LIMIT 1) q ON true
  LEFT JOIN ledgers decision ON decision.ledger_id = q.ledger_id
  LEFT JOIN rm_credits.block b
         ON b.issuance = o.issuance AND b.ledger_id = q.ledger_id AND q.state = 'issued'
        AND b.from_index = b.issued_index
 WHERE o.state = 'reserved' AND o.to_index IS NULL
   AND NOT EXISTS (SELECT FROM rm_credits.reservation newer
                    WHERE newer.issuance = o.issuance AND newer.to_index IS NULL
                      AND newer.ledger_id > o.ledger_id)
   AND (q.issuance IS NULL OR q.state <> 'requested')
   AND o.issuance <> ALL ($1)
 ORDER BY o.reserved_at, o.issuance
 LIMIT $2
