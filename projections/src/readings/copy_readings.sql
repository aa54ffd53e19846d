 (at, index, value, canonical, series, context, ordinal, text) FROM STDIN (FORMAT binary)
