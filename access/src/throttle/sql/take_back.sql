UPDATE access.sign_in_attempts
SET failures = greatest(failures - 1, 0),
    blocked_until = CASE WHEN failures = $2 THEN now() ELSE blocked_until END
WHERE who = $1
