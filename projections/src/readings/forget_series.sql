-- $1 series that have lost readings: those that have none left go. ORDER BY and OFFSET keep the planner
-- to the key, one series after the other; it may think a walk through the table finds one sooner.
DELETE FROM series s
 WHERE s.id = ANY ($1)
   AND NOT EXISTS (SELECT FROM reading n WHERE n.series = s.id ORDER BY n.at OFFSET 0)
   AND NOT EXISTS (SELECT FROM far_reading f WHERE f.series = s.id ORDER BY f.at OFFSET 0)
