SET ROLE sealrock_app;
SET search_path TO sealrock;
SET jit TO off;
-- A receipt says that its entries survive a crash, whatever the database's default is. remote_* is
-- more than that and stays.
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') NOT LIKE 'remote%';
