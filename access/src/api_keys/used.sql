UPDATE access.api_keys
SET last_used_at = date_bin('15 minutes', now(), 'epoch')
WHERE credential_id = $1
  AND last_used_at IS DISTINCT FROM date_bin('15 minutes', now(), 'epoch')
