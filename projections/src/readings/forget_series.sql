-- $1 series that have lost readings: those that have none left go. The parts with OFFSET 0 are asked
-- for one series after the other, by the key.
DELETE FROM series s
 WHERE s.id = ANY ($1)
   AND NOT EXISTS (SELECT FROM reading n WHERE n.series = s.id OFFSET 0)
   AND NOT EXISTS (SELECT FROM far_reading f WHERE f.series = s.id OFFSET 0)
