-- $1 ledger, $2 the ledger's own stream, $3 types
SELECT e.index, e.type, p.bytes
FROM events e LEFT JOIN payloads p ON p.ledger_id = e.ledger_id AND p.index = e.index
WHERE e.ledger_id = $1 AND e.stream = $2 AND e.type = ANY ($3)
ORDER BY e.index
