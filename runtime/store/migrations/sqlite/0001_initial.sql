-- Times are Unix milliseconds. Sets and JSON are TEXT. What is sealed or hashed is BLOB.
-- The twin of this file is migrations/postgres/0001_initial.sql: the same tables, columns and indexes.

-- Small values that belong to the whole installation.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE tenants (
    id                TEXT NOT NULL PRIMARY KEY,
    name              TEXT NOT NULL,
    environment       TEXT NOT NULL,
    active_connection TEXT,
    flows             TEXT NOT NULL,
    policy            TEXT NOT NULL,
    wrapped_key       BLOB NOT NULL,
    master_key        TEXT NOT NULL,
    test_numbers      BLOB,
    created_at        INTEGER NOT NULL,
    -- Set when the tenant is deleted. No statement of the API finds it any more; its rows are deleted in steps, and itself last.
    deleted_at        INTEGER
) STRICT;
CREATE INDEX tenants_deleted ON tenants (id) WHERE deleted_at IS NOT NULL;

CREATE TABLE api_keys (
    id         TEXT NOT NULL PRIMARY KEY,
    tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    hash       BLOB NOT NULL,
    old_hash   BLOB,
    old_until  INTEGER,
    created_at INTEGER NOT NULL,
    rotated_at INTEGER,
    expires_at INTEGER
) STRICT;
CREATE INDEX api_keys_of_tenant ON api_keys (tenant, created_at, id);

-- Who is signed in to the console. `id` is the hash of what the cookie holds; `proof` binds it to the key's secret of then.
CREATE TABLE sessions (
    id         BLOB NOT NULL PRIMARY KEY,
    api_key    TEXT REFERENCES api_keys (id) ON DELETE CASCADE,
    proof      BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_of_key ON sessions (api_key, created_at);
CREATE INDEX sessions_by_age ON sessions (seen_at);

CREATE TABLE connections (
    tenant       TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    connector    TEXT NOT NULL,
    digest       TEXT NOT NULL,
    parameters   TEXT NOT NULL,
    secrets      BLOB,
    secret_times TEXT NOT NULL,
    templates    TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    revision     INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    -- Sealed: the token at the end of the URL that providers send delivery reports to.
    report_token BLOB,
    PRIMARY KEY (tenant, name)
) STRICT;

-- What a test has vouched for, by fingerprint: it outlives a change that is taken back.
CREATE TABLE connection_tests (
    tenant      TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    fingerprint BLOB NOT NULL,
    tested_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant, fingerprint)
) STRICT;
CREATE INDEX connection_tests_by_age ON connection_tests (tested_at);

-- Numbers that nothing is sent to for a while, because a provider suspects fraud.
CREATE TABLE holds (
    tenant      TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id          TEXT NOT NULL,
    prefix_hash BLOB NOT NULL,
    prefix      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    message     TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, prefix_hash)
) STRICT;
CREATE INDEX holds_by_expiry ON holds (expires_at);

-- Connectors that were uploaded: a row for each version. `tenant` is empty for those of all tenants. `connector` is absent
-- until the file has been read.
CREATE TABLE connector_versions (
    tenant      TEXT NOT NULL,
    digest      TEXT NOT NULL,
    connector   TEXT,
    state       TEXT NOT NULL,
    step        INTEGER NOT NULL,
    refusal     TEXT,
    description TEXT,
    component   BLOB NOT NULL,
    bytes       INTEGER NOT NULL,
    uploaded_at INTEGER NOT NULL,
    uploaded_by TEXT NOT NULL,
    checks      INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until INTEGER,
    PRIMARY KEY (tenant, digest)
) STRICT;
CREATE INDEX connector_versions_of_connector ON connector_versions (tenant, connector, uploaded_at);
-- What the worker asks for.
CREATE INDEX connector_versions_unchecked ON connector_versions (uploaded_at) WHERE state = 'checking';

-- Which versions of an uploaded connector send: for one tenant, or (`tenant` empty) for all that have no row of their own.
-- `owner` is whose the connector is: empty for all tenants.
CREATE TABLE releases (
    tenant     TEXT NOT NULL,
    connector  TEXT NOT NULL,
    owner      TEXT NOT NULL,
    generation INTEGER NOT NULL,
    versions   TEXT NOT NULL,
    PRIMARY KEY (tenant, connector)
) STRICT;

-- One row: grows with every change of a release, so that other processes see with one look that there is one.
CREATE TABLE release_clock (
    id    INTEGER NOT NULL PRIMARY KEY,
    ticks INTEGER NOT NULL
) STRICT;
INSERT INTO release_clock (id, ticks) VALUES (1, 0);

-- Differences that somebody has read and approved.
CREATE TABLE approvals (
    tenant      TEXT NOT NULL,
    connector   TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    approved_at INTEGER NOT NULL,
    approved_by TEXT NOT NULL,
    PRIMARY KEY (tenant, connector, fingerprint)
) STRICT;

-- How the requests with the message of uploaded versions are shaped: seen in rehearsals, tests and canaries, held back, approved.
-- `tenant` is whose sends the shape counts for, empty for those of all tenants. `shape` is the SHA-256 of the shape, and
-- `description` the shape itself as JSON: nothing sealed is in it.
CREATE TABLE version_shapes (
    tenant        TEXT NOT NULL,
    connector     TEXT NOT NULL,
    digest        TEXT NOT NULL,
    shape         TEXT NOT NULL,
    origin        TEXT NOT NULL,
    description   TEXT NOT NULL,
    requests      INTEGER NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    approved_by   TEXT,
    PRIMARY KEY (tenant, connector, digest, shape)
) STRICT;
CREATE INDEX version_shapes_of_version ON version_shapes (connector, digest, origin);

CREATE TABLE messages (
    tenant              TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id                  TEXT NOT NULL,
    created_at          INTEGER NOT NULL,
    expires_at          INTEGER NOT NULL,
    usage               TEXT NOT NULL,
    locale              TEXT,
    recipient_hash      BLOB NOT NULL,
    recipient_masked    TEXT NOT NULL,
    country             TEXT,
    payload             BLOB,
    verification        TEXT,
    status              TEXT NOT NULL,
    mode                TEXT NOT NULL,
    test                INTEGER NOT NULL,
    connection          TEXT,
    segments            INTEGER,
    provider_message_id TEXT,
    failure             TEXT,
    attempts            INTEGER NOT NULL,
    physical_messages   INTEGER NOT NULL,
    price_micros        INTEGER NOT NULL,
    next_attempt_at     INTEGER,
    lease_owner         TEXT,
    lease_until         INTEGER,
    -- Of its failure.
    class               TEXT,
    -- The furthest state that was reported.
    delivery            TEXT,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX messages_newest ON messages (tenant, created_at, id);
CREATE INDEX messages_of_recipient ON messages (tenant, recipient_hash, created_at, id);
-- For the filters of the list. Most messages are accepted: those are found on the way through `messages_newest`.
CREATE INDEX messages_not_accepted ON messages (tenant, status, created_at, id) WHERE status <> 'accepted';
CREATE INDEX messages_of_country ON messages (tenant, country, created_at, id);
CREATE INDEX messages_of_usage ON messages (tenant, usage, created_at, id);
CREATE INDEX messages_of_connection ON messages (tenant, connection, created_at, id) WHERE connection IS NOT NULL;
CREATE INDEX messages_reported ON messages (tenant, delivery, created_at, id) WHERE delivery IS NOT NULL;
CREATE INDEX messages_by_age ON messages (created_at);
-- What the worker asks for: only what is not final, so it stays as small as the backlog.
CREATE INDEX messages_due ON messages (COALESCE(next_attempt_at, created_at), tenant, id)
    WHERE status IN ('queued', 'sending');
-- The same for each tenant, so that the worker takes turns.
CREATE INDEX messages_due_of_tenant ON messages (tenant, COALESCE(next_attempt_at, 0), created_at, id)
    WHERE status IN ('queued', 'sending');

CREATE TABLE attempts (
    tenant      TEXT NOT NULL,
    message     TEXT NOT NULL,
    number      INTEGER NOT NULL,
    connection  TEXT NOT NULL,
    connector   TEXT NOT NULL,
    digest      TEXT NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    outcome     TEXT,
    failure     TEXT,
    decision    TEXT,
    record      TEXT,
    -- What the attempt says of its version: the class of its failure, and whether the connector misbehaved.
    class       TEXT,
    fault       INTEGER NOT NULL DEFAULT 0,
    -- Keyed hash of the provider's id of the message, once the provider has accepted it.
    provider_id BLOB,
    -- The HTTP status with which the request that carried the message was answered.
    response_status INTEGER,
    PRIMARY KEY (tenant, message, number),
    FOREIGN KEY (tenant, message) REFERENCES messages (tenant, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX attempts_of_version ON attempts (digest, started_at);
CREATE INDEX attempts_of_provider_id ON attempts (tenant, connection, provider_id) WHERE provider_id IS NOT NULL;

-- A row for each state that was reported of a message. `message` and `attempt` are absent until an attempt is known that the
-- provider gave this id: a report may be here before the provider's answer is written down.
CREATE TABLE delivery_reports (
    tenant        TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    connection    TEXT NOT NULL,
    provider_id   BLOB NOT NULL,
    state         TEXT NOT NULL,
    class         TEXT,
    provider_code TEXT,
    description   TEXT,
    provider_at   TEXT,
    received_at   INTEGER NOT NULL,
    message       TEXT,
    attempt       INTEGER,
    PRIMARY KEY (tenant, connection, provider_id, state),
    FOREIGN KEY (tenant, message, attempt) REFERENCES attempts (tenant, message, number) ON DELETE CASCADE
) STRICT;
CREATE INDEX delivery_reports_of_message ON delivery_reports (tenant, message, attempt) WHERE message IS NOT NULL;
CREATE INDEX delivery_reports_waiting ON delivery_reports (tenant, connection, received_at) WHERE message IS NULL;
CREATE INDEX delivery_reports_waiting_by_age ON delivery_reports (received_at) WHERE message IS NULL;

CREATE TABLE verifications (
    tenant           TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id               TEXT NOT NULL,
    usage            TEXT NOT NULL,
    locale           TEXT,
    recipient_hash   BLOB NOT NULL,
    recipient_masked TEXT NOT NULL,
    payload          BLOB,
    test             INTEGER NOT NULL,
    code_mac         BLOB NOT NULL,
    code_key         TEXT NOT NULL,
    status           TEXT NOT NULL,
    tries            INTEGER NOT NULL,
    max_tries        INTEGER NOT NULL,
    sends            INTEGER NOT NULL,
    max_sends        INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    resend_at        INTEGER NOT NULL,
    approved_at      INTEGER,
    message          TEXT,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX verifications_pending_of_recipient ON verifications (tenant, recipient_hash) WHERE status = 'pending';
CREATE INDEX verifications_pending_by_expiry ON verifications (expires_at) WHERE status = 'pending';
CREATE INDEX verifications_newest ON verifications (tenant, created_at);
CREATE INDEX verifications_by_age ON verifications (created_at);

-- Failed checks of one number, over all its codes. `failed_at` is the time of the last one.
CREATE TABLE recipient_failures (
    tenant         TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    recipient_hash BLOB NOT NULL,
    failures       INTEGER NOT NULL,
    failed_at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, recipient_hash)
) STRICT;
CREATE INDEX recipient_failures_by_age ON recipient_failures (failed_at);

-- States of limits, as the service writes them.
CREATE TABLE buckets (
    tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    state      TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT;
CREATE INDEX buckets_by_expiry ON buckets (expires_at);

CREATE TABLE idempotency (
    tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    operation  TEXT NOT NULL,
    key_hash   BLOB NOT NULL,
    body_hash  BLOB NOT NULL,
    resource   TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, operation, key_hash)
) STRICT;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- `tenant` refers to no table: what was done to a tenant stays known after it is gone.
CREATE TABLE audit (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant       TEXT,
    happened_at  INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    action       TEXT NOT NULL,
    target       TEXT NOT NULL,
    state_before TEXT,
    state_after  TEXT
) STRICT;
CREATE INDEX audit_of_tenant ON audit (tenant, id);

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never changed');
END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never deleted');
END;
