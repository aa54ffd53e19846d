INSERT INTO commands (ledger_id, actor, command_id, input_hash, first_index, last_index, tree_size)
SELECT $1, *, $7 FROM UNNEST($2::text[], $3::uuid[], $4::bytea[], $5::bigint[], $6::bigint[])
