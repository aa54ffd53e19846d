-- $1 ledger, $2 entries: a full tile of a level stands for 256^(level + 1) entries
SELECT level, n
FROM tiles
WHERE ledger_id = $1
  AND (level NOT BETWEEN 0 AND 6 OR n < 0
       OR n >= ($2::bigint >> (8 * (least(greatest(level, 0), 6) + 1))))
ORDER BY level, n
LIMIT 1000
