-- $1 ledger, $2 entries, $3 note, $4 timestamp, $5 the note that $3 adds to: NULL for a new one
INSERT INTO published (ledger_id, size, note, timestamp)
VALUES ($1, $2, $3, $4)
ON CONFLICT (ledger_id, size) DO UPDATE
SET note = excluded.note, timestamp = coalesce(published.timestamp, excluded.timestamp)
WHERE published.note = $5
