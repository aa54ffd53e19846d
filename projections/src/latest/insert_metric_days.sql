INSERT INTO metric_day (device_id, metric, day)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::date[])
ON CONFLICT DO NOTHING
