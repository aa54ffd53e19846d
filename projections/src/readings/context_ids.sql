-- $1 ledger, then the columns of contexts: the id of each in their order, NULL of one not there.
-- Two NULLs are one context, which no index can be asked for: what has many values is compared as
-- texts first, so that the two sides can be hashed.
SELECT c.id
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[])
       WITH ORDINALITY AS w (site, unit, quality, suspicion, source, truth, nth)
  LEFT JOIN context c
    ON c.ledger_id = $1 AND c.quality = w.quality
   AND COALESCE(c.site, '') = COALESCE(w.site, '') AND c.site IS NOT DISTINCT FROM w.site
   AND COALESCE(c.unit, '') = COALESCE(w.unit, '') AND c.unit IS NOT DISTINCT FROM w.unit
   AND c.suspicion IS NOT DISTINCT FROM w.suspicion
   AND c.source IS NOT DISTINCT FROM w.source
   AND c.truth IS NOT DISTINCT FROM w.truth
 ORDER BY w.nth
