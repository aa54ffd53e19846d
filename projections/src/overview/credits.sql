-- $1 organisation, $2 its ledger. For a registry, what it is asked to issue and has issued. What another
-- ledger continues is counted there.
WITH open AS (
    SELECT to_kg - from_kg AS kilograms
      FROM rm_credits.reservation
     WHERE ledger_id = $2 AND to_index IS NULL AND state = 'reserved'
    UNION ALL
    SELECT to_kg - from_kg
      FROM rm_credits.request
     WHERE ledger_id = $2 AND to_index IS NULL AND state = 'requested'
),
block AS (
    SELECT last_serial - first_serial + 1 AS credits, holder = $1 AS held,
           organisation = $1 OR ledger_id = $2 AS issued
      FROM rm_credits.block
     WHERE to_index IS NULL AND (holder = $1 OR organisation = $1 OR ledger_id = $2)
       AND NOT EXISTS (SELECT FROM ledgers WHERE continues = block.ledger_id)
)
SELECT (SELECT coalesce(sum(kilograms), 0) / 1000 FROM open)::bigint AS requested,
       (SELECT coalesce(sum(credits), 0) FROM block WHERE issued)::bigint AS issued,
       (SELECT coalesce(sum(credits), 0) FROM block WHERE held)::bigint AS held
