-- $1 device, $2 readings and $3 suspect ones that are gone: the last batch is the last that is left
UPDATE device_status s
   SET readings  = s.readings - $2,
       suspect   = s.suspect - $3,
       last_boot = l.boot,
       last_seq  = l.seq
  FROM (SELECT 1) AS one
  LEFT JOIN LATERAL (SELECT boot, seq
                       FROM batch
                      WHERE device_id = $1
                      ORDER BY index DESC
                      LIMIT 1) AS l ON true
 WHERE s.device_id = $1
