-- Keeps one letter and, in the same statement, drops the device's oldest beyond the bound.
-- The CTEs see the table as it was before, so $11 - 1 older letters stay beside the new one.
WITH kept AS (
    INSERT INTO ingest.dead_letters
        (id, device_id, organisation, received_at, via, reason, message, bytes, full_length, sha256)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (id) DO NOTHING
    RETURNING device_id
)
DELETE FROM ingest.dead_letters AS old
USING kept
WHERE old.device_id = kept.device_id
  AND old.id IN (
      SELECT id FROM ingest.dead_letters
      WHERE device_id = $2
      ORDER BY id DESC
      OFFSET GREATEST($11 - 1, 0)
  )
