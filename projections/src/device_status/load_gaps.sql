SELECT DISTINCT to_jsonb(g)
  FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS k (device_id, boot, seq)
  JOIN gap g ON g.device_id = k.device_id AND g.boot = k.boot
            AND k.seq BETWEEN g.from_seq AND g.to_seq AND g.filled_index IS NULL
