SELECT id, device_id, received_at, via, reason, message, bytes, full_length, sha256
FROM ingest.dead_letters
WHERE organisation = $1 AND ($2::uuid IS NULL OR id < $2)
ORDER BY id DESC
LIMIT $3
