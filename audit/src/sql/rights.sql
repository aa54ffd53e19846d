-- Rights of anyone but the owner on relations of the write side and on single columns of them
SELECT c.relname::text, coalesce(r.rolname::text, 'PUBLIC'), a.privilege_type
FROM pg_class c
JOIN pg_namespace s ON s.oid = c.relnamespace AND s.nspname = 'sealrock'
CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE c.relkind IN ('r', 'p', 'v') AND a.grantee <> c.relowner
UNION
SELECT c.relname || '(' || t.attname || ')', coalesce(r.rolname::text, 'PUBLIC'), a.privilege_type
FROM pg_class c
JOIN pg_namespace s ON s.oid = c.relnamespace AND s.nspname = 'sealrock'
JOIN pg_attribute t ON t.attrelid = c.oid AND NOT t.attisdropped
CROSS JOIN LATERAL aclexplode(t.attacl) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE a.grantee <> c.relowner
