-- $1 ledger, $2 units, $3 days. By the index for each day, whatever is known of the table: while a
-- rebuild fills it, nothing is, and a plan that suits one row would go through all of them.
SELECT to_jsonb(found)
  FROM (SELECT DISTINCT * FROM unnest($2::uuid[], $3::date[]) AS t (unit_id, day)) AS touched
 CROSS JOIN LATERAL (SELECT *
                       FROM capture c
                      WHERE c.ledger_id = $1 AND c.day = touched.day AND c.unit_id = touched.unit_id
                        AND c.to_index IS NULL
                     OFFSET 0) AS found
