-- Compare-and-swap: $2 size and $3 root before, $4 to $10 the head after
UPDATE ledger_heads
SET size = $4, root = $5, frontier = $6, leaf_hash = $7, recorded_at = $8, epoch = $9,
    clock_waived = $10
WHERE ledger_id = $1 AND size = $2 AND root = $3
