-- $3 is the entry behind which is looked.
SELECT organisation, site, vintage, count(*) AS blocks,
       sum(last_serial - first_serial + 1)::bigint AS credits,
       array_agg(issued_index ORDER BY issued_index) AS indexes
  FROM rm_credits.block
 WHERE ledger_id = $1 AND ($2::text IS NULL OR organisation = $2)
   AND from_index <= $3 AND (to_index IS NULL OR to_index > $3)
 GROUP BY organisation, site, vintage
 ORDER BY organisation, site, vintage
