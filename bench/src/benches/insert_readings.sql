INSERT INTO readings (device, metric, at, value, unit)
SELECT $1, metric, at, value, unit
FROM unnest($2::text[], $3::timestamptz[], $4::float8[], $5::text[]) AS r (metric, at, value, unit)
ON CONFLICT DO NOTHING
