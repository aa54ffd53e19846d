-- A ledger that continues another one has its reservations too: the newer one counts.
WITH open AS (
    SELECT DISTINCT ON (issuance) issuance, ledger_id, reserved_index, reserved_at, state
      FROM rm_credits.reservation
     WHERE to_index IS NULL
     ORDER BY issuance, ledger_id DESC
)
SELECT o.issuance, q.issuance IS NULL AS opens,
       CASE WHEN q.issuance IS NULL THEN source.origin || '#' || o.reserved_index
            ELSE decision.origin || '#' || coalesce(b.issued_index, q.decided_index) END AS citation
  FROM open o
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
 WHERE o.state = 'reserved'
   AND (q.issuance IS NULL OR q.state <> 'requested')
   AND o.issuance <> ALL ($1)
 ORDER BY o.reserved_at, o.issuance
 LIMIT $2
