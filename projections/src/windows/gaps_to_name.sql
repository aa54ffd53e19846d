-- Anywhere below a boot's last seq in a window.
SELECT g.boot, g.from_seq, g.to_seq
  FROM unnest($2::text[], $3::bigint[]) AS b (boot, last_seq)
  JOIN rm_windows.gap g ON g.boot = b.boot
 WHERE g.device_id = $1 AND g.filled_index IS NULL AND g.named_index IS NULL
   AND g.from_seq < b.last_seq
 ORDER BY g.boot COLLATE "C", g.from_seq
 LIMIT $4
