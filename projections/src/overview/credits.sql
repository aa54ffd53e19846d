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
-- One index each; a block that is found twice counts once.
found AS (
    SELECT * FROM rm_credits.block WHERE holder = $1 AND to_index IS NULL
    UNION
    SELECT * FROM rm_credits.block WHERE organisation = $1 AND to_index IS NULL
    UNION
    SELECT * FROM rm_credits.block WHERE ledger_id = $2 AND to_index IS NULL
),
block AS (
    SELECT last_serial - first_serial + 1 AS credits, holder = $1 AS held,
           organisation = $1 OR ledger_id = $2 AS issued
      FROM found
     WHERE NOT EXISTS (SELECT FROM ledgers WHERE continues = found.ledger_id)
)
SELECT (SELECT coalesce(sum(kilograms), 0) / 1000 FROM open)::bigint AS requested,
       (SELECT coalesce(sum(credits), 0) FROM block WHERE issued)::bigint AS issued,
       (SELECT coalesce(sum(credits), 0) FROM block WHERE held)::bigint AS held
