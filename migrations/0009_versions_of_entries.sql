-- A stream's version is that of its last entry, which the unique key of `events` finds. A table of its
-- own said the same again, for a sixth of what an append cost.

SET LOCAL ROLE sealrock_owner;
SET LOCAL search_path TO sealrock;

DROP TABLE streams;

-- The migrator goes on in the same transaction, as itself.
RESET search_path;
RESET ROLE;
