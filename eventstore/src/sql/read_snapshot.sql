-- $1 ledger, $2 stream, $3 version of the code that folds
SELECT p.version, p.state
FROM snapshots p
JOIN streams s USING (ledger_id, stream)
WHERE p.ledger_id = $1 AND p.stream = $2 AND p.code_version = $3 AND p.version <= s.version
