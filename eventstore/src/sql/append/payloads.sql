, stored_payloads AS (
    INSERT INTO payloads (ledger_id, index, media, salt, bytes)
    SELECT $1, * FROM UNNEST(?::bigint[], ?::text[], ?::bytea[], ?::bytea[])
    WHERE EXISTS (SELECT FROM moved)
)
