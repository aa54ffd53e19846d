-- Within a boot of a window, and directly below it.
SELECT g.boot, g.from_seq, g.to_seq
  FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS b (boot, first_seq, last_seq)
  JOIN rm_windows.gap g ON g.boot = b.boot
 WHERE g.device_id = $1 AND g.filled_index IS NULL
   AND g.from_seq < b.last_seq AND g.to_seq >= b.first_seq - 1
 ORDER BY g.boot COLLATE "C", g.from_seq
 LIMIT $5
