DELETE FROM boot WHERE device_id IN (SELECT device_id FROM device_hour WHERE ledger_id = $1);
DELETE FROM gap WHERE device_id IN (SELECT device_id FROM device_hour WHERE ledger_id = $1);
DELETE FROM gap_stream WHERE device_id IN (SELECT device_id FROM device_hour WHERE ledger_id = $1);
DELETE FROM unsealed WHERE ledger_id = $1;
DELETE FROM device_hour WHERE ledger_id = $1;