INSERT INTO latest AS l (ledger_id, device_id, metric, index, ordinal, site, at, value, unit, source)
SELECT $1, *
  FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::integer[], $6::text[], $7::timestamptz[],
              $8::double precision[], $9::text[], $10::text[])
ON CONFLICT (device_id, metric) DO UPDATE
   SET ledger_id = excluded.ledger_id,
       index   = excluded.index,
       ordinal = excluded.ordinal,
       site    = excluded.site,
       at      = excluded.at,
       value   = excluded.value,
       unit    = excluded.unit,
       source  = excluded.source
 WHERE (excluded.at, excluded.ledger_id, excluded.index, excluded.ordinal)
     > (l.at, l.ledger_id, l.index, l.ordinal)
