INSERT INTO target (ledger_id, site_id, from_day, until_day, average_kg_per_h, set_index, from_index,
                    to_index)
SELECT $1, *
  FROM unnest($2::uuid[], $3::date[], $4::date[], $5::text[], $6::bigint[], $7::bigint[],
              $8::bigint[])
ON CONFLICT (ledger_id, site_id, from_day, from_index) DO UPDATE SET to_index = excluded.to_index
