-- $1 ledger, then the columns of contexts
INSERT INTO context (ledger_id, site, quality, suspicion, source, truth)
SELECT $1, w.*
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[]) AS w
