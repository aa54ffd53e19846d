-- Kept up from the start where readings come as they are recorded, made at the end of a rebuild.
CREATE UNIQUE INDEX IF NOT EXISTS reading_pkey ON reading (ledger_id, index, ordinal, at);
CREATE INDEX IF NOT EXISTS reading_by_time ON reading (device_id, metric, at, index, ordinal);
CREATE UNIQUE INDEX IF NOT EXISTS far_reading_pkey ON far_reading (ledger_id, index, ordinal, at);
CREATE INDEX IF NOT EXISTS far_reading_by_time ON far_reading (device_id, metric, at, index, ordinal);
