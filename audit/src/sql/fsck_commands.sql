SELECT actor, command_id::text, first_index, last_index, tree_size
FROM commands
WHERE ledger_id = $ledger
ORDER BY first_index, last_index, actor, command_id
