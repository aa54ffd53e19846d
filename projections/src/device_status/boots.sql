SELECT boot, min_seq, max_seq, first_index, last_index, first_seen
  FROM rm_device_status.boot
 WHERE device_id = $1
 ORDER BY first_index DESC
 LIMIT $2
