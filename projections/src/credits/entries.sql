-- For each account that is asked about, its $5 entries behind $3 and not behind $4. $1 ledger
SELECT asked.number, to_jsonb(entry)
  FROM unnest($2::text[]) WITH ORDINALITY AS asked (account, number)
 CROSS JOIN LATERAL (
       SELECT *
         FROM rm_credits.account_entry
        WHERE ledger_id = $1 AND account = asked.account AND index > $3 AND index <= $4
        ORDER BY index
        LIMIT $5) AS entry
 ORDER BY asked.number, entry.index
