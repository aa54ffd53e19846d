SELECT boot, from_seq, to_seq, noticed_index, filled_index, named_index
  FROM rm_device_status.gap
 WHERE device_id = $1 AND (NOT $2 OR filled_index IS NULL)
 ORDER BY noticed_index DESC, boot, from_seq DESC
 LIMIT $3
