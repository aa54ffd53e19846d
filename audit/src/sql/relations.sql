SELECT c.relname::text AS name, r.rolname::text AS owner, coalesce(p.relname = 'batch_payloads', false) AS partition
FROM pg_class c
JOIN pg_namespace s ON s.oid = c.relnamespace AND s.nspname = 'sealrock'
JOIN pg_roles r ON r.oid = c.relowner
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_class p ON p.oid = i.inhparent AND p.relnamespace = s.oid
WHERE c.relkind IN ('r', 'p', 'v')
ORDER BY c.relname
