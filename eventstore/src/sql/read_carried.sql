-- $1 ledger, $2 entries below this index, $3 types of streams
SELECT e.entry, p.media, p.bytes
FROM events e
JOIN payloads p USING (ledger_id, index)
WHERE e.ledger_id = $1 AND e.index < $2 AND split_part(e.stream, '/', 1) = ANY ($3)
ORDER BY e.index
