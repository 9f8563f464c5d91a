-- Times are Unix milliseconds. Sets and JSON are TEXT. What is sealed or hashed is BLOB.
-- The twin of this file is migrations/postgres/0001_initial.sql: the same tables, columns and indexes.

-- Small values that belong to the whole installation.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- The processes that use the database, and how many heartbeats each has counted. A lease (`lease_process`, `lease_claim`) counts as
-- long as the row of its process is here.
CREATE TABLE processes (
    id    TEXT NOT NULL PRIMARY KEY,
    beats INTEGER NOT NULL
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
    lease_process TEXT,
    lease_claim INTEGER,
    PRIMARY KEY (tenant, digest)
) STRICT;
CREATE INDEX connector_versions_of_connector ON connector_versions (tenant, connector, uploaded_at);
-- The next file to check of each tenant.
CREATE INDEX connector_versions_unchecked ON connector_versions (tenant, uploaded_at, digest) WHERE state = 'checking';

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
    lease_process       TEXT,
    lease_claim         INTEGER,
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
    signed        INTEGER NOT NULL,
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
    -- The order in which codes were made for a number and usage: a time or later; 0 for one that was certainly not sent.
    code_order       INTEGER NOT NULL,
    -- The code before, which is valid until the message with the present one may have left.
    previous_code_mac   BLOB,
    previous_code_key   TEXT,
    previous_tries      INTEGER,
    previous_expires_at INTEGER,
    previous_message    TEXT,
    previous_code_order INTEGER,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX verifications_pending_of_recipient ON verifications (tenant, recipient_hash) WHERE status = 'pending';
CREATE INDEX verifications_pending_by_expiry ON verifications (expires_at) WHERE status = 'pending';
CREATE INDEX verifications_newest ON verifications (tenant, created_at);
CREATE INDEX verifications_by_age ON verifications (created_at);

-- States of limits, as the service writes them. An empty state is a row that was locked and never written.
CREATE TABLE buckets (
    tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    state      TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX buckets_by_expiry ON buckets (expires_at);

CREATE TABLE idempotency (
    tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    operation  TEXT NOT NULL,
    key_hash   BLOB NOT NULL,
    body_hash  BLOB NOT NULL,
    resource   TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, operation, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- What statistics show, counted by the hour in which a message or verification was created (`hour` is its first millisecond). The
-- triggers below count, so that a change and its count are committed together, whatever made the change. The counts outlive the
-- rows that they count. A number that belongs to no country has the empty one. `shard` is always 0 here: on PostgreSQL, it lets
-- transactions of one tenant count at the same time.

-- Messages that have ended, without those to test numbers.
CREATE TABLE message_counts (
    tenant      TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    hour        INTEGER NOT NULL,
    country     TEXT NOT NULL,
    shard       INTEGER NOT NULL,
    accepted    INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    in_doubt    INTEGER NOT NULL,
    expired     INTEGER NOT NULL,
    cancelled   INTEGER NOT NULL,
    -- What was reported of them.
    delivered   INTEGER NOT NULL,
    undelivered INTEGER NOT NULL,
    -- Of the physical messages.
    segments    INTEGER NOT NULL,
    cost_micros INTEGER NOT NULL,
    PRIMARY KEY (tenant, hour, country, shard)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_counts_by_age ON message_counts (hour);

-- Messages that failed or are in doubt, by the class of their failure.
CREATE TABLE failure_counts (
    tenant   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    hour     INTEGER NOT NULL,
    class    TEXT NOT NULL,
    shard    INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (tenant, hour, class, shard)
) STRICT, WITHOUT ROWID;
CREATE INDEX failure_counts_by_age ON failure_counts (hour);

-- Messages that a provider accepted, by the time from their creation to the response of the provider. `latency_ms` is the lower
-- bound of a range: up to 16 ms there is one for each millisecond, from there on eight for each doubling.
CREATE TABLE latency_counts (
    tenant     TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    hour       INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL,
    shard      INTEGER NOT NULL,
    messages   INTEGER NOT NULL,
    PRIMARY KEY (tenant, hour, latency_ms, shard)
) STRICT, WITHOUT ROWID;
CREATE INDEX latency_counts_by_age ON latency_counts (hour);

-- Verifications, without those of test numbers, by the country of their message.
CREATE TABLE verification_counts (
    tenant   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    hour     INTEGER NOT NULL,
    country  TEXT NOT NULL,
    shard    INTEGER NOT NULL,
    started  INTEGER NOT NULL,
    approved INTEGER NOT NULL,
    PRIMARY KEY (tenant, hour, country, shard)
) STRICT, WITHOUT ROWID;
CREATE INDEX verification_counts_by_age ON verification_counts (hour);

-- Counts for statistics. A message is counted when it ends: its status, segments and price do not change after that.
CREATE TRIGGER messages_counted_when_they_end AFTER UPDATE OF status ON messages
WHEN NEW.test = 0 AND OLD.status IN ('queued', 'sending') AND NEW.status NOT IN ('queued', 'sending')
BEGIN
    INSERT INTO message_counts (tenant, hour, country, shard, accepted, failed, in_doubt, expired, cancelled, delivered,
        undelivered, segments, cost_micros)
    VALUES (NEW.tenant, NEW.created_at / 3600000 * 3600000, COALESCE(NEW.country, ''), 0,
        NEW.status = 'accepted', NEW.status = 'failed', NEW.status = 'in-doubt', NEW.status = 'expired', NEW.status = 'cancelled',
        NEW.delivery IS 'delivered', COALESCE(NEW.delivery IN ('expired', 'rejected', 'undelivered'), 0),
        COALESCE(NEW.segments, 1) * NEW.physical_messages, NEW.price_micros * NEW.physical_messages)
    ON CONFLICT (tenant, hour, country, shard) DO UPDATE SET
        accepted = message_counts.accepted + excluded.accepted,
        failed = message_counts.failed + excluded.failed,
        in_doubt = message_counts.in_doubt + excluded.in_doubt,
        expired = message_counts.expired + excluded.expired,
        cancelled = message_counts.cancelled + excluded.cancelled,
        delivered = message_counts.delivered + excluded.delivered,
        undelivered = message_counts.undelivered + excluded.undelivered,
        segments = message_counts.segments + excluded.segments,
        cost_micros = message_counts.cost_micros + excluded.cost_micros;
    INSERT INTO failure_counts (tenant, hour, class, shard, messages)
    SELECT NEW.tenant, NEW.created_at / 3600000 * 3600000, NEW.class, 0, 1
    WHERE NEW.status IN ('failed', 'in-doubt') AND NEW.class IS NOT NULL
    ON CONFLICT (tenant, hour, class, shard) DO UPDATE SET messages = failure_counts.messages + excluded.messages;
END;
-- One that ends in the transaction that creates it.
CREATE TRIGGER messages_counted_at_once AFTER INSERT ON messages
WHEN NEW.test = 0 AND NEW.status NOT IN ('queued', 'sending')
BEGIN
    INSERT INTO message_counts (tenant, hour, country, shard, accepted, failed, in_doubt, expired, cancelled, delivered,
        undelivered, segments, cost_micros)
    VALUES (NEW.tenant, NEW.created_at / 3600000 * 3600000, COALESCE(NEW.country, ''), 0,
        NEW.status = 'accepted', NEW.status = 'failed', NEW.status = 'in-doubt', NEW.status = 'expired', NEW.status = 'cancelled',
        NEW.delivery IS 'delivered', COALESCE(NEW.delivery IN ('expired', 'rejected', 'undelivered'), 0),
        COALESCE(NEW.segments, 1) * NEW.physical_messages, NEW.price_micros * NEW.physical_messages)
    ON CONFLICT (tenant, hour, country, shard) DO UPDATE SET
        accepted = message_counts.accepted + excluded.accepted,
        failed = message_counts.failed + excluded.failed,
        in_doubt = message_counts.in_doubt + excluded.in_doubt,
        expired = message_counts.expired + excluded.expired,
        cancelled = message_counts.cancelled + excluded.cancelled,
        delivered = message_counts.delivered + excluded.delivered,
        undelivered = message_counts.undelivered + excluded.undelivered,
        segments = message_counts.segments + excluded.segments,
        cost_micros = message_counts.cost_micros + excluded.cost_micros;
    INSERT INTO failure_counts (tenant, hour, class, shard, messages)
    SELECT NEW.tenant, NEW.created_at / 3600000 * 3600000, NEW.class, 0, 1
    WHERE NEW.status IN ('failed', 'in-doubt') AND NEW.class IS NOT NULL
    ON CONFLICT (tenant, hour, class, shard) DO UPDATE SET messages = failure_counts.messages + excluded.messages;
END;
CREATE TRIGGER messages_counted_as_reported AFTER UPDATE OF delivery ON messages
WHEN NEW.test = 0 AND NEW.status NOT IN ('queued', 'sending') AND NEW.delivery IS NOT OLD.delivery
BEGIN
    UPDATE message_counts SET
        delivered = delivered + (NEW.delivery IS 'delivered') - (OLD.delivery IS 'delivered'),
        undelivered = undelivered + COALESCE(NEW.delivery IN ('expired', 'rejected', 'undelivered'), 0)
            - COALESCE(OLD.delivery IN ('expired', 'rejected', 'undelivered'), 0)
    WHERE tenant = NEW.tenant AND hour = NEW.created_at / 3600000 * 3600000 AND country = COALESCE(NEW.country, '')
        AND shard = 0;
END;
CREATE TRIGGER latencies_counted AFTER UPDATE OF outcome ON attempts
WHEN NEW.outcome = 'accepted' AND OLD.outcome IS NULL
BEGIN
    INSERT INTO latency_counts (tenant, hour, latency_ms, shard, messages)
    SELECT tenant, hour,
        CASE
            WHEN took < 16 THEN took
            WHEN took < 32 THEN took & -2
            WHEN took < 64 THEN took & -4
            WHEN took < 128 THEN took & -8
            WHEN took < 256 THEN took & -16
            WHEN took < 512 THEN took & -32
            WHEN took < 1024 THEN took & -64
            WHEN took < 2048 THEN took & -128
            WHEN took < 4096 THEN took & -256
            WHEN took < 8192 THEN took & -512
            WHEN took < 16384 THEN took & -1024
            WHEN took < 32768 THEN took & -2048
            WHEN took < 65536 THEN took & -4096
            WHEN took < 131072 THEN took & -8192
            WHEN took < 262144 THEN took & -16384
            WHEN took < 524288 THEN took & -32768
            WHEN took < 1048576 THEN took & -65536
            ELSE 1048576
        END, 0, 1
    FROM (
        SELECT tenant, created_at / 3600000 * 3600000 AS hour, MAX(NEW.finished_at - created_at, 0) AS took
        FROM messages WHERE tenant = NEW.tenant AND id = NEW.message AND test = 0
    ) WHERE TRUE
    ON CONFLICT (tenant, hour, latency_ms, shard) DO UPDATE SET messages = latency_counts.messages + excluded.messages;
END;
CREATE TRIGGER verifications_counted_when_started AFTER INSERT ON verifications
WHEN NEW.test = 0
BEGIN
    INSERT INTO verification_counts (tenant, hour, country, shard, started, approved)
    VALUES (NEW.tenant, NEW.created_at / 3600000 * 3600000,
        COALESCE((SELECT country FROM messages WHERE tenant = NEW.tenant AND id = NEW.message), ''), 0, 1,
        NEW.status = 'approved')
    ON CONFLICT (tenant, hour, country, shard) DO UPDATE SET started = verification_counts.started + excluded.started,
        approved = verification_counts.approved + excluded.approved;
END;
CREATE TRIGGER verifications_counted_when_approved AFTER UPDATE OF status ON verifications
WHEN NEW.test = 0 AND NEW.status = 'approved' AND OLD.status <> 'approved'
BEGIN
    INSERT INTO verification_counts (tenant, hour, country, shard, started, approved)
    VALUES (NEW.tenant, NEW.created_at / 3600000 * 3600000,
        COALESCE((SELECT country FROM messages WHERE tenant = NEW.tenant AND id = NEW.message), ''), 0, 0, 1)
    ON CONFLICT (tenant, hour, country, shard) DO UPDATE SET approved = verification_counts.approved + excluded.approved;
END;

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
CREATE INDEX audit_of_action ON audit (tenant, action, id);
CREATE INDEX audit_by_age ON audit (happened_at);

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never changed');
END;
-- The sweeper stores the time since which entries are kept, and deletes earlier ones.
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
WHEN OLD.happened_at >= COALESCE(
    (SELECT CAST(CAST(value AS TEXT) AS INTEGER) FROM meta WHERE name = 'audit_kept_since'), OLD.happened_at)
BEGIN
    SELECT RAISE(ABORT, 'an audit entry is never deleted before its time');
END;
