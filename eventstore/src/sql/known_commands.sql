-- $1 ledger, $2 actors and $3 command ids, pairwise
SELECT c.actor, c.command_id, c.input_hash, c.first_index, c.last_index, p.note
FROM UNNEST($2::text[], $3::uuid[]) AS asked (actor, command_id)
JOIN commands c ON c.ledger_id = $1 AND c.actor = asked.actor AND c.command_id = asked.command_id
JOIN checkpoints p ON p.ledger_id = c.ledger_id AND p.size = c.tree_size
