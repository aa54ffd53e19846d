-- Kept up from the start where readings come as they are recorded, made at the end of a rebuild.
CREATE UNIQUE INDEX IF NOT EXISTS reading_key ON reading (series, at, index, ordinal);
CREATE UNIQUE INDEX IF NOT EXISTS far_reading_key ON far_reading (series, at, index, ordinal);
