DELETE FROM access.sessions
WHERE account_id = $1
  AND (least(idle_until, ends_at) < now() - interval '1 day' OR revoked_at < now() - interval '30 days')
