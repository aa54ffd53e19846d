-- Of a registry whose ledger was continued, the newer one counts. $3 is the entry behind which is
-- looked.
SELECT row
  FROM (SELECT DISTINCT ON (id) to_jsonb(b) AS row, registry, organisation, site, vintage,
               first_serial, holder
          FROM rm_credits.block b
         WHERE ($1::integer IS NULL OR ledger_id = $1)
           AND from_index <= $3 AND (to_index IS NULL OR to_index > $3)
         ORDER BY id, ledger_id DESC) found
 WHERE $2::text IS NULL OR holder = $2
 ORDER BY registry, organisation, site, vintage, first_serial
 LIMIT $4 OFFSET $5
