-- $1 organisation, $2 ledger, $3 the first hour that is counted.
WITH own AS (SELECT id FROM rm_registry.device WHERE organisation = $1),
hour AS (
    SELECT count(*) FILTER (WHERE seal_index IS NOT NULL) AS sealed,
           count(*) FILTER (WHERE waiting_since IS NOT NULL) AS waiting,
           max(seal_index) AS newest_seal
      FROM own
      JOIN rm_windows.device_hour ON device_id = own.id
     WHERE hour >= $3 AND ledger_id = $2
),
gap AS (
    SELECT count(*) AS open_gaps, coalesce(sum(to_seq - from_seq + 1), 0)::bigint AS missing
      FROM own
      JOIN rm_windows.gap ON device_id = own.id
     WHERE filled_index IS NULL
)
SELECT sealed, waiting, newest_seal, open_gaps, missing FROM hour, gap
