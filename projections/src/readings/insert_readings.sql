(ledger_id, index, ordinal, device_id, site, metric, at, value, truth, text, unit, canonical,
 quality, suspicion, source)
SELECT $1, *
  FROM unnest($2::bigint[], $3::integer[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[],
              $8::double precision[], $9::boolean[], $10::text[], $11::text[],
              $12::double precision[], $13::text[], $14::text[], $15::text[])
