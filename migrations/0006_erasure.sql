-- What erasing needs beside the rights of 0001: which erasures are finished, and dropping days whose
-- last payload was erased.

SET LOCAL ROLE sealrock_owner;
SET LOCAL search_path TO sealrock;

-- One row for each entry PayloadRedacted or RetentionApplied whose payloads are gone, written when the
-- last of them is deleted. An entry without a row is an erasure to finish.
CREATE TABLE erasures (
    ledger_id integer NOT NULL,
    index bigint NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (ledger_id, index)
);
GRANT SELECT ON erasures TO sealrock_app;
GRANT SELECT, INSERT, DELETE ON erasures TO sealrock_erase;

-- Drops the partition of a day that holds nothing; false where there is something, or nothing to
-- drop. The eraser may call this and nothing else that is DDL here.
-- To drop a partition, its parent must be locked against everybody, and all who come wait behind us:
-- so for a tenth of a second at most. Whoever finds it taken tries again another time. Yesterday and
-- all after it are left alone: writers know them and may still use them.
CREATE FUNCTION drop_batch_day(wanted date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = sealrock, pg_temp
SET lock_timeout = '100ms' AS $$
DECLARE
    partition text := 'batch_payloads_' || to_char(wanted, 'YYYYMMDD');
    holds boolean;
BEGIN
    IF wanted >= (now() AT TIME ZONE 'UTC')::date - 1 OR NOT EXISTS (
        SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'batch_payloads'::regclass AND c.relname = partition
    ) THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', partition) INTO holds;
    IF holds THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('sealrock.batch_days'));
    -- The parent first, as everybody does who reaches a day through it.
    LOCK TABLE ONLY batch_payloads IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', partition) INTO holds;
    IF NOT holds THEN
        EXECUTE format('DROP TABLE %I', partition);
    END IF;
    RETURN NOT holds;
END
$$;
REVOKE ALL ON FUNCTION drop_batch_day(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_batch_day(date) TO sealrock_erase;

-- The migrator goes on in the same transaction, as itself.
RESET search_path;
RESET ROLE;
