INSERT INTO events (ledger_id, index, entry, leaf_hash, stream, version, type, recorded_at)
SELECT $1, * FROM UNNEST($2::bigint[], $3::bytea[], $4::bytea[], $5::text[], $6::bigint[],
                         $7::text[], $8::timestamptz[])
