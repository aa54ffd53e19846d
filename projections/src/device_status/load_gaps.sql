-- Open gaps do not overlap: only the last one that begins at or before a seq can hold it.
SELECT DISTINCT to_jsonb(g)
  FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS k (device_id, boot, seq)
 CROSS JOIN LATERAL (SELECT *
                       FROM gap
                      WHERE gap.device_id = k.device_id AND gap.boot = k.boot
                        AND gap.filled_index IS NULL AND gap.from_seq <= k.seq
                      ORDER BY gap.from_seq DESC
                      LIMIT 1) AS g
 WHERE g.to_seq >= k.seq
