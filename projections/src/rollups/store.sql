INSERT INTO rollup (ledger_id, device_id, metric, width, bucket, count, sum, min, max, first,
                    first_at, last, last_at, filled, mean_sum)
SELECT $1, *
  FROM unnest($2::uuid[], $3::text[], $4::integer[], $5::timestamptz[], $6::bigint[],
              $7::double precision[], $8::double precision[], $9::double precision[],
              $10::double precision[], $11::timestamptz[], $12::double precision[],
              $13::timestamptz[], $14::integer[], $15::double precision[])
ON CONFLICT (device_id, metric, width, bucket) DO UPDATE
   SET ledger_id = excluded.ledger_id,
       count    = excluded.count,
       sum      = excluded.sum,
       min      = excluded.min,
       max      = excluded.max,
       first    = excluded.first,
       first_at = excluded.first_at,
       last     = excluded.last,
       last_at  = excluded.last_at,
       filled   = excluded.filled,
       mean_sum = excluded.mean_sum
