-- $1 ledger, $2 and $3 first and last index, $4 and $5 first and last day of recorded_at (prunes the
-- partitions), $6 most bytes: from where they would pass it, rows have none. That of the first index
-- always has. Lengths stand in the rows or their TOAST pointers, so what does not fit is not read.
SELECT index, media, salt,
       CASE WHEN index = $2 OR sum(octet_length(bytes)) OVER (ORDER BY index) <= $6 THEN bytes END
FROM (
    SELECT index, media, salt, bytes
    FROM payloads
    WHERE ledger_id = $1 AND index BETWEEN $2 AND $3
    UNION ALL
    SELECT index, media, salt, bytes
    FROM batch_payloads
    WHERE ledger_id = $1 AND index BETWEEN $2 AND $3 AND day BETWEEN $4 AND $5
) AS found
ORDER BY index
