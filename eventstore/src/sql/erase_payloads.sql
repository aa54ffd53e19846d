-- $1 ledger, $2 first index, $3 last index: batches stand in the day that their entry was recorded on
WITH days AS (
    SELECT min((recorded_at AT TIME ZONE 'UTC')::date) AS first,
           max((recorded_at AT TIME ZONE 'UTC')::date) AS last
    FROM events
    WHERE ledger_id = $1 AND index BETWEEN $2 AND $3
), batches AS (
    DELETE FROM batch_payloads
    WHERE ledger_id = $1 AND index BETWEEN $2 AND $3
      AND day BETWEEN (SELECT first FROM days) AND (SELECT last FROM days)
    RETURNING 1
), others AS (
    DELETE FROM payloads WHERE ledger_id = $1 AND index BETWEEN $2 AND $3 RETURNING 1
)
SELECT (SELECT count(*) FROM batches) + (SELECT count(*) FROM others)
