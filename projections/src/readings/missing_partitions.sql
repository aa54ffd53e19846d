SELECT day
  FROM unnest($1::date[]) AS day
 WHERE to_regclass(format('reading_%s', to_char(day, 'YYYYMMDD'))) IS NULL
 ORDER BY day
