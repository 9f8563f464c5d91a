-- How the requests with the message of uploaded versions are shaped: seen in rehearsals, tests and canaries, held back, approved.
-- The twin of this file is migrations/sqlite/0003_version_shapes.sql: the same tables, columns and indexes.

-- `tenant` is whose sends the shape counts for, empty for those of all tenants. `shape` is the SHA-256 of the shape, and
-- `description` the shape itself as JSON: nothing sealed is in it.
CREATE TABLE version_shapes (
    tenant      TEXT COLLATE "C" NOT NULL,
    connector   TEXT COLLATE "C" NOT NULL,
    digest      TEXT COLLATE "C" NOT NULL,
    shape       TEXT COLLATE "C" NOT NULL,
    origin      TEXT NOT NULL,
    description TEXT NOT NULL,
    requests    BIGINT NOT NULL,
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    approved_by TEXT,
    PRIMARY KEY (tenant, connector, digest, shape)
);
CREATE INDEX version_shapes_of_version ON version_shapes (connector, digest, origin);
