-- A machine that vanishes tells Postgres nothing: by these its session, and with it its leases, ends
-- some ten seconds later. Of no effect on a local socket, which the kernel closes.
SET tcp_keepalives_idle = 4;
SET tcp_keepalives_interval = 2;
SET tcp_keepalives_count = 3;
SET application_name = 'sealrock leases';
