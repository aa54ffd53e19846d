-- For each range that is asked about ($2 accounts, from $3 to $4, in grams), what stored it. $1 ledger
SELECT asked.number, to_jsonb(entry)
  FROM unnest($2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS asked (account, from_g, to_g, number)
  JOIN rm_credits.account_entry entry
    ON entry.ledger_id = $1 AND entry.account = asked.account
   AND entry.from_g < asked.to_g AND entry.to_g > asked.from_g
 ORDER BY asked.number, entry.index
