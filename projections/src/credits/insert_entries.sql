INSERT INTO account_entry
SELECT (jsonb_populate_record(NULL::account_entry,
                              row || jsonb_build_object('ledger_id', $1::integer))).*
  FROM jsonb_array_elements($2) row
