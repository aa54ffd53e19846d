TRUNCATE events, snapshots;
INSERT INTO events TABLE seeded;
