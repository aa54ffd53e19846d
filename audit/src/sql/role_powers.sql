-- What the platform's roles could do that they must not: role, power, remedy
SELECT r.rolname::text, 'is superuser'::text, format('ALTER ROLE %I NOSUPERUSER', r.rolname)
FROM pg_roles r
WHERE r.rolname IN ('sealrock_app', 'sealrock_erase') AND r.rolsuper
UNION ALL
SELECT r.rolname::text, format('has the rights of %s', g.rolname),
       format('REVOKE %I FROM %I', g.rolname, r.rolname)
FROM pg_auth_members m
JOIN pg_roles r ON r.oid = m.member
JOIN pg_roles g ON g.oid = m.roleid
WHERE r.rolname IN ('sealrock_app', 'sealrock_erase')
