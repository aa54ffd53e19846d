-- Days whose payloads are all erased by entries are dropped whole, instead of row by row.

SET LOCAL ROLE sealrock_owner;
SET LOCAL search_path TO sealrock;

-- Drops the partition of a day if these entries, all together, erase every payload that is in it, and
-- answers how many there were; null where it is kept. Which payloads an entry erases is read from the
-- entry: nobody can have a day dropped that the ledgers do not say is erased. For the caller to know is
-- that every read model has folded the entries.
-- The rest is as for drop_batch_day: a tenth of a second of waiting at most, and nothing since
-- yesterday. Readers may go on while the rows are looked through; nobody inserts meanwhile.
CREATE FUNCTION drop_erased_batch_day(wanted date, of_ledgers integer[], entries bigint[])
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = sealrock, pg_temp
SET lock_timeout = '100ms' AS $$
DECLARE
    partition text := 'batch_payloads_' || to_char(wanted, 'YYYYMMDD');
    held bigint;
    all_erased boolean;
BEGIN
    IF wanted >= (now() AT TIME ZONE 'UTC')::date - 1 OR NOT EXISTS (
        SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'batch_payloads'::regclass AND c.relname = partition
    ) THEN
        RETURN NULL;
    END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', partition);
    EXECUTE format($look$
        WITH erased AS (
            SELECT e.ledger_id,
                   range_agg(int8range((r.range ->> 0)::bigint, (r.range ->> 1)::bigint, '[]'))
                       AS indexes
            FROM unnest($1, $2) AS named (ledger_id, index)
            JOIN ledgers l USING (ledger_id)
            JOIN events e USING (ledger_id, index)
            JOIN payloads p USING (ledger_id, index)
            CROSS JOIN LATERAL
                json_array_elements(convert_from(p.bytes, 'UTF8')::json -> 'payloads') AS r (range)
            WHERE e.type IN ('PayloadRedacted', 'RetentionApplied')
              AND e.stream = 'ledger/' || l.name
              AND (r.range ->> 1)::bigint < e.index
            GROUP BY e.ledger_id
        )
        SELECT count(*), bool_and(coalesce(erased.indexes @> held.index, false))
        FROM %I AS held LEFT JOIN erased USING (ledger_id)
        $look$, partition)
    USING of_ledgers, entries INTO held, all_erased;
    IF all_erased IS NOT true THEN
        RETURN NULL;
    END IF;
    -- Only now: who makes the day of today waits for this one.
    PERFORM pg_advisory_xact_lock(hashtext('sealrock.batch_days'));
    LOCK TABLE ONLY batch_payloads IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('DROP TABLE %I', partition);
    RETURN held;
END
$$;
REVOKE ALL ON FUNCTION drop_erased_batch_day(date, integer[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_erased_batch_day(date, integer[], bigint[]) TO sealrock_erase;

-- The migrator goes on in the same transaction, as itself.
RESET search_path;
RESET ROLE;
