, stored_tiles AS (
    INSERT INTO tiles (ledger_id, level, n, hashes)
    SELECT $1, * FROM UNNEST(?::smallint[], ?::bigint[], ?::bytea[])
    WHERE EXISTS (SELECT FROM moved)
)
