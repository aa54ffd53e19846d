-- $1 how many, $2 payload, $3 metadata
INSERT INTO events
SELECT aggregate_type, aggregate_id, sequence + n, 'SiteRenamed', '1', $2::json, $3::json
FROM seeded, generate_series(1, $1) AS n
