UPDATE access.sign_in_attempts
SET failures = greatest(failures - $2, 0), blocked_until = now()
WHERE who = $1
