-- A gap that was split or filled since it was named is named all the same: by the first entry that
-- covers it. Gaps only ever become narrower, so an entry covers a row whole or not at all.
UPDATE gap
   SET named_index = first.index
  FROM (SELECT g.device_id, g.boot, g.from_seq, min(n.index) AS index
          FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
               AS n (device_id, boot, from_seq, to_seq, index)
          JOIN gap g ON g.device_id = n.device_id AND g.boot = n.boot
                    AND g.from_seq BETWEEN n.from_seq AND n.to_seq AND g.to_seq <= n.to_seq
                    AND g.noticed_index < n.index AND g.named_index IS NULL
         GROUP BY 1, 2, 3) AS first
 WHERE gap.device_id = first.device_id AND gap.boot = first.boot AND gap.from_seq = first.from_seq
