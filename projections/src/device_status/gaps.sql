-- For each device that is asked about, its $3 newest gaps.
SELECT device.id, boot, from_seq, to_seq, noticed_index, filled_index, named_index
  FROM unnest($1::uuid[]) AS device (id)
 CROSS JOIN LATERAL (
       SELECT * FROM rm_device_status.gap
        WHERE device_id = device.id AND (NOT $2 OR filled_index IS NULL)
        ORDER BY noticed_index DESC, boot, from_seq DESC
        LIMIT $3) AS gap
 ORDER BY device.id, noticed_index DESC, boot, from_seq DESC
