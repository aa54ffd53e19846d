, stored_batches AS (
    INSERT INTO batch_payloads (ledger_id, index, day, media, salt, bytes)
    SELECT $1, * FROM UNNEST(?::bigint[], ?::date[], ?::text[], ?::bytea[], ?::bytea[])
    WHERE EXISTS (SELECT FROM moved)
)
