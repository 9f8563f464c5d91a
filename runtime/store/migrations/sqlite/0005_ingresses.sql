-- Addresses at which identity platforms send messages.
CREATE TABLE ingresses (
    tenant          TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name            TEXT NOT NULL,
    id              TEXT NOT NULL UNIQUE,
    kind            TEXT NOT NULL,
    enabled         INTEGER NOT NULL,
    token_hash      BLOB NOT NULL UNIQUE,
    old_token_hash  BLOB UNIQUE,
    old_token_until INTEGER,
    method          TEXT NOT NULL,
    method_name     TEXT,
    sealed          BLOB NOT NULL,
    settings        TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT;

-- The newest calls of each ingress, without numbers, codes and texts.
CREATE TABLE ingress_calls (
    tenant      TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    ingress     TEXT NOT NULL,
    id          TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    outcome     TEXT NOT NULL,
    status      INTEGER,
    recipient   TEXT,
    usage       TEXT,
    message     TEXT,
    detail      TEXT,
    PRIMARY KEY (tenant, ingress, id)
) STRICT;
CREATE INDEX ingress_calls_by_time ON ingress_calls (received_at);
