 AS n
-- $1 to $4: where the readings are in the key; $5 and $6 the span that prunes the partitions
 USING unnest($1::integer[], $2::bigint[], $3::timestamptz[], $4::timestamptz[])
       AS gone (series, index, from_at, to_at)
 WHERE n.series = gone.series AND n.index = gone.index
   AND n.at BETWEEN gone.from_at AND gone.to_at AND n.at BETWEEN $5 AND $6
