-- $1 ledger, $2 its stream, $3 last version that is known, $4 last version wanted, $5 whether finished
-- ones are wanted too
SELECT e.entry, p.media, p.salt, p.bytes, d.index IS NOT NULL AS finished
FROM events e
LEFT JOIN payloads p USING (ledger_id, index)
LEFT JOIN erasures d USING (ledger_id, index)
WHERE e.ledger_id = $1 AND e.stream = $2 AND e.version > $3 AND e.version <= $4
  AND e.type IN ('PayloadRedacted', 'RetentionApplied') AND ($5 OR d.index IS NULL)
ORDER BY e.version
