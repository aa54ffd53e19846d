-- Open gaps that hold a seq from `from_seq` through `to_seq`. They do not overlap: only the last one
-- that begins before `from_seq` can reach into it.
SELECT DISTINCT to_jsonb(g)
  FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[])
       AS k (device_id, boot, from_seq, to_seq)
 CROSS JOIN LATERAL (SELECT *
                       FROM (SELECT *
                               FROM gap
                              WHERE gap.device_id = k.device_id AND gap.boot = k.boot
                                AND gap.filled_index IS NULL AND gap.from_seq < k.from_seq
                              ORDER BY gap.from_seq DESC
                              LIMIT 1) AS before
                      WHERE before.to_seq >= k.from_seq
                      UNION ALL
                     SELECT *
                       FROM gap
                      WHERE gap.device_id = k.device_id AND gap.boot = k.boot
                        AND gap.filled_index IS NULL
                        AND gap.from_seq BETWEEN k.from_seq AND k.to_seq) AS g
