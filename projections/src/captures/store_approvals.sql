INSERT INTO approval SELECT * FROM jsonb_populate_recordset(NULL::approval, $1)
