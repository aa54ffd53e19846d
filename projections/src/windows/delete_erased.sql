DELETE FROM unsealed
 USING unnest($2::bigint[], $3::bigint[]) AS erased (first, last)
 WHERE ledger_id = $1 AND index BETWEEN erased.first AND erased.last
RETURNING device_id, hour
