INSERT INTO device (device_id, site, source)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])
-- Registered again in a ledger that continues another one: with the same site and source.
ON CONFLICT (device_id) DO NOTHING
