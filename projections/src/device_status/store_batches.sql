INSERT INTO batch
SELECT * FROM jsonb_populate_recordset(NULL::batch, $1)
