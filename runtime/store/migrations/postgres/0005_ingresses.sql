-- Addresses at which identity platforms send messages.
CREATE TABLE ingresses (
    tenant          TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name            TEXT COLLATE "C" NOT NULL,
    id              TEXT COLLATE "C" NOT NULL UNIQUE,
    kind            TEXT NOT NULL,
    enabled         BIGINT NOT NULL,
    token_hash      BYTEA NOT NULL UNIQUE,
    old_token_hash  BYTEA UNIQUE,
    old_token_until BIGINT,
    method          TEXT NOT NULL,
    method_name     TEXT,
    sealed          BYTEA NOT NULL,
    settings        TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- The newest calls of each ingress, without numbers, codes and texts.
CREATE TABLE ingress_calls (
    tenant      TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    ingress     TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    outcome     TEXT NOT NULL,
    status      BIGINT,
    recipient   TEXT,
    usage       TEXT,
    message     TEXT COLLATE "C",
    detail      TEXT,
    PRIMARY KEY (tenant, ingress, id)
);
CREATE INDEX ingress_calls_by_time ON ingress_calls (received_at);
