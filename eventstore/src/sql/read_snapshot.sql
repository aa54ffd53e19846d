-- $1 ledger, $2 stream, $3 version of the code that folds
SELECT p.version, p.state
FROM snapshots p
JOIN events e USING (ledger_id, stream, version)
WHERE p.ledger_id = $1 AND p.stream = $2 AND p.code_version = $3
