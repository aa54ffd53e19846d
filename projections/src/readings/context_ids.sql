-- $1 ledger, then the columns of contexts: the id of each in their order, NULL of one not there.
-- Two NULLs are one context, which no index can be asked for: sites, which may be many, are compared
-- as texts first, so that the two sides can be hashed.
SELECT c.id
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])
       WITH ORDINALITY AS w (site, quality, suspicion, source, truth, nth)
  LEFT JOIN context c
    ON c.ledger_id = $1 AND c.quality = w.quality
   AND COALESCE(c.site, '') = COALESCE(w.site, '') AND c.site IS NOT DISTINCT FROM w.site
   AND c.suspicion IS NOT DISTINCT FROM w.suspicion
   AND c.source IS NOT DISTINCT FROM w.source
   AND c.truth IS NOT DISTINCT FROM w.truth
 ORDER BY w.nth
