-- JSON: for each secret of a connection, the hosts that it was given for. Absent until the service has filled it in, once, for connections
-- that were saved before this column existed.
ALTER TABLE connections ADD COLUMN secret_hosts TEXT;
