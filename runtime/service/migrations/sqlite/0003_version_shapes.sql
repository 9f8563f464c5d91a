-- How the requests with the message of uploaded versions are shaped: seen in rehearsals, tests and canaries, held back, approved.
-- The twin of this file is migrations/postgres/0003_version_shapes.sql: the same tables, columns and indexes.

-- `tenant` is whose sends the shape counts for, empty for those of all tenants. `shape` is the SHA-256 of the shape, and
-- `description` the shape itself as JSON: nothing sealed is in it.
CREATE TABLE version_shapes (
    tenant      TEXT NOT NULL,
    connector   TEXT NOT NULL,
    digest      TEXT NOT NULL,
    shape       TEXT NOT NULL,
    origin      TEXT NOT NULL,
    description TEXT NOT NULL,
    requests    INTEGER NOT NULL,
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    approved_by TEXT,
    PRIMARY KEY (tenant, connector, digest, shape)
) STRICT;
CREATE INDEX version_shapes_of_version ON version_shapes (connector, digest, origin);
