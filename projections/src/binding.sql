INSERT INTO device (device_id, site, source)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])
