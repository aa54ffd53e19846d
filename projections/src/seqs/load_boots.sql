SELECT to_jsonb(b)
  FROM boot b
 WHERE (device_id, boot) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
