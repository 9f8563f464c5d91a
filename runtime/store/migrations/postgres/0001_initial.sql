-- Times are Unix milliseconds. Sets and JSON are TEXT. What is sealed or hashed is BYTEA.
-- Ids and names are compared byte by byte (COLLATE "C"), as SQLite does, whatever the database's language is.
-- The twin of this file is migrations/sqlite/0001_initial.sql: the same tables, columns and indexes.

-- Small values that belong to the whole installation.
CREATE TABLE meta (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

-- The processes that use the database, and how many heartbeats each has counted. A lease (`lease_process`, `lease_claim`) counts as
-- long as the row of its process is here.
CREATE TABLE processes (
    id    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    beats BIGINT NOT NULL
);

CREATE TABLE tenants (
    id                TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name              TEXT COLLATE "C" NOT NULL,
    environment       TEXT NOT NULL,
    active_connection TEXT,
    flows             TEXT NOT NULL,
    policy            TEXT NOT NULL,
    wrapped_key       BYTEA NOT NULL,
    master_key        TEXT NOT NULL,
    test_numbers      BYTEA,
    created_at        BIGINT NOT NULL,
    -- Set when the tenant is deleted. No statement of the API finds it any more; its rows are deleted in steps, and itself last.
    deleted_at        BIGINT
);
CREATE INDEX tenants_deleted ON tenants (id) WHERE deleted_at IS NOT NULL;

CREATE TABLE api_keys (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name       TEXT COLLATE "C" NOT NULL,
    scopes     TEXT NOT NULL,
    hash       BYTEA NOT NULL,
    old_hash   BYTEA,
    old_until  BIGINT,
    created_at BIGINT NOT NULL,
    rotated_at BIGINT,
    expires_at BIGINT
);
CREATE INDEX api_keys_of_tenant ON api_keys (tenant, created_at, id);

-- Who is signed in to the console. `id` is the hash of what the cookie holds; `proof` binds it to the key's secret of then.
CREATE TABLE sessions (
    id         BYTEA NOT NULL PRIMARY KEY,
    api_key    TEXT COLLATE "C" REFERENCES api_keys (id) ON DELETE CASCADE,
    proof      BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);
CREATE INDEX sessions_of_key ON sessions (api_key, created_at);
CREATE INDEX sessions_by_age ON sessions (seen_at);

CREATE TABLE connections (
    tenant       TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name         TEXT COLLATE "C" NOT NULL,
    connector    TEXT NOT NULL,
    digest       TEXT NOT NULL,
    parameters   TEXT NOT NULL,
    secrets      BYTEA,
    secret_times TEXT NOT NULL,
    templates    TEXT NOT NULL,
    fingerprint  BYTEA NOT NULL,
    revision     BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    -- Sealed: the token at the end of the URL that providers send delivery reports to.
    report_token BYTEA,
    PRIMARY KEY (tenant, name)
);

-- What a test has vouched for, by fingerprint: it outlives a change that is taken back.
CREATE TABLE connection_tests (
    tenant      TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    fingerprint BYTEA NOT NULL,
    tested_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant, fingerprint)
);
CREATE INDEX connection_tests_by_age ON connection_tests (tested_at);

-- Numbers that nothing is sent to for a while, because a provider suspects fraud.
CREATE TABLE holds (
    tenant      TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id          TEXT COLLATE "C" NOT NULL,
    prefix_hash BYTEA NOT NULL,
    prefix      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    message     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, prefix_hash)
);
CREATE INDEX holds_by_expiry ON holds (expires_at);

-- Connectors that were uploaded: a row for each version. `tenant` is empty for those of all tenants. `connector` is absent
-- until the file has been read.
CREATE TABLE connector_versions (
    tenant      TEXT COLLATE "C" NOT NULL,
    digest      TEXT COLLATE "C" NOT NULL,
    connector   TEXT COLLATE "C",
    state       TEXT NOT NULL,
    step        BIGINT NOT NULL,
    refusal     TEXT,
    description TEXT,
    component   BYTEA NOT NULL,
    bytes       BIGINT NOT NULL,
    uploaded_at BIGINT NOT NULL,
    uploaded_by TEXT NOT NULL,
    checks      BIGINT NOT NULL,
    lease_process TEXT COLLATE "C",
    lease_claim BIGINT,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX connector_versions_of_connector ON connector_versions (tenant, connector, uploaded_at);
-- The next file to check of each tenant.
CREATE INDEX connector_versions_unchecked ON connector_versions (tenant, uploaded_at, digest) WHERE state = 'checking';

-- Which versions of an uploaded connector send: for one tenant, or (`tenant` empty) for all that have no row of their own.
-- `owner` is whose the connector is: empty for all tenants.
CREATE TABLE releases (
    tenant     TEXT COLLATE "C" NOT NULL,
    connector  TEXT COLLATE "C" NOT NULL,
    owner      TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    versions   TEXT NOT NULL,
    PRIMARY KEY (tenant, connector)
);

-- One row: grows with every change of a release, so that other processes see with one look that there is one.
CREATE TABLE release_clock (
    id    BIGINT NOT NULL PRIMARY KEY,
    ticks BIGINT NOT NULL
);
INSERT INTO release_clock (id, ticks) VALUES (1, 0);

-- Differences that somebody has read and approved.
CREATE TABLE approvals (
    tenant      TEXT COLLATE "C" NOT NULL,
    connector   TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT NOT NULL,
    approved_at BIGINT NOT NULL,
    approved_by TEXT NOT NULL,
    PRIMARY KEY (tenant, connector, fingerprint)
);

-- How the requests with the message of uploaded versions are shaped: seen in rehearsals, tests and canaries, held back, approved.
-- `tenant` is whose sends the shape counts for, empty for those of all tenants. `shape` is the SHA-256 of the shape, and
-- `description` the shape itself as JSON: nothing sealed is in it.
CREATE TABLE version_shapes (
    tenant        TEXT COLLATE "C" NOT NULL,
    connector     TEXT COLLATE "C" NOT NULL,
    digest        TEXT COLLATE "C" NOT NULL,
    shape         TEXT COLLATE "C" NOT NULL,
    origin        TEXT NOT NULL,
    description   TEXT NOT NULL,
    requests      BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    approved_by   TEXT,
    PRIMARY KEY (tenant, connector, digest, shape)
);
CREATE INDEX version_shapes_of_version ON version_shapes (connector, digest, origin);

CREATE TABLE messages (
    tenant              TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id                  TEXT COLLATE "C" NOT NULL,
    created_at          BIGINT NOT NULL,
    expires_at          BIGINT NOT NULL,
    usage               TEXT NOT NULL,
    locale              TEXT,
    recipient_hash      BYTEA NOT NULL,
    recipient_masked    TEXT NOT NULL,
    country             TEXT,
    payload             BYTEA,
    verification        TEXT,
    status              TEXT NOT NULL,
    mode                TEXT NOT NULL,
    test                BIGINT NOT NULL,
    connection          TEXT,
    segments            BIGINT,
    provider_message_id TEXT,
    failure             TEXT,
    attempts            BIGINT NOT NULL,
    physical_messages   BIGINT NOT NULL,
    price_micros        BIGINT NOT NULL,
    next_attempt_at     BIGINT,
    lease_process       TEXT COLLATE "C",
    lease_claim         BIGINT,
    -- Of its failure.
    class               TEXT COLLATE "C",
    -- The furthest state that was reported.
    delivery            TEXT,
    PRIMARY KEY (tenant, id)
);
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
    tenant      TEXT COLLATE "C" NOT NULL,
    message     TEXT COLLATE "C" NOT NULL,
    number      BIGINT NOT NULL,
    connection  TEXT NOT NULL,
    connector   TEXT NOT NULL,
    digest      TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT,
    outcome     TEXT,
    failure     TEXT,
    decision    TEXT,
    record      TEXT,
    -- What the attempt says of its version: the class of its failure, and whether the connector misbehaved.
    class       TEXT,
    fault       BIGINT NOT NULL DEFAULT 0,
    -- Keyed hash of the provider's id of the message, once the provider has accepted it.
    provider_id BYTEA,
    -- The HTTP status with which the request that carried the message was answered.
    response_status BIGINT,
    PRIMARY KEY (tenant, message, number),
    FOREIGN KEY (tenant, message) REFERENCES messages (tenant, id) ON DELETE CASCADE
);

CREATE INDEX attempts_of_version ON attempts (digest, started_at);
CREATE INDEX attempts_of_provider_id ON attempts (tenant, connection, provider_id) WHERE provider_id IS NOT NULL;

-- A row for each state that was reported of a message. `message` and `attempt` are absent until an attempt is known that the
-- provider gave this id: a report may be here before the provider's answer is written down.
CREATE TABLE delivery_reports (
    tenant        TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    connection    TEXT COLLATE "C" NOT NULL,
    provider_id   BYTEA NOT NULL,
    state         TEXT NOT NULL,
    class         TEXT,
    provider_code TEXT,
    description   TEXT,
    provider_at   TEXT,
    signed        BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    message       TEXT COLLATE "C",
    attempt       BIGINT,
    PRIMARY KEY (tenant, connection, provider_id, state),
    FOREIGN KEY (tenant, message, attempt) REFERENCES attempts (tenant, message, number) ON DELETE CASCADE
);
CREATE INDEX delivery_reports_of_message ON delivery_reports (tenant, message, attempt) WHERE message IS NOT NULL;
CREATE INDEX delivery_reports_waiting ON delivery_reports (tenant, connection, received_at) WHERE message IS NULL;
CREATE INDEX delivery_reports_waiting_by_age ON delivery_reports (received_at) WHERE message IS NULL;

CREATE TABLE verifications (
    tenant           TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id               TEXT COLLATE "C" NOT NULL,
    usage            TEXT NOT NULL,
    locale           TEXT,
    recipient_hash   BYTEA NOT NULL,
    recipient_masked TEXT NOT NULL,
    payload          BYTEA,
    test             BIGINT NOT NULL,
    code_mac         BYTEA NOT NULL,
    code_key         TEXT NOT NULL,
    status           TEXT NOT NULL,
    tries            BIGINT NOT NULL,
    max_tries        BIGINT NOT NULL,
    sends            BIGINT NOT NULL,
    max_sends        BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    resend_at        BIGINT NOT NULL,
    approved_at      BIGINT,
    message          TEXT COLLATE "C",
    -- The order in which codes were made for a number and usage: a time or later; 0 for one that was certainly not sent.
    code_order       BIGINT NOT NULL,
    -- The code before, which is valid until the message with the present one may have left.
    previous_code_mac   BYTEA,
    previous_code_key   TEXT,
    previous_tries      BIGINT,
    previous_expires_at BIGINT,
    previous_message    TEXT COLLATE "C",
    previous_code_order BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX verifications_pending_of_recipient ON verifications (tenant, recipient_hash) WHERE status = 'pending';
CREATE INDEX verifications_pending_by_expiry ON verifications (expires_at) WHERE status = 'pending';
CREATE INDEX verifications_newest ON verifications (tenant, created_at);
CREATE INDEX verifications_by_age ON verifications (created_at);

-- States of limits, as the service writes them. An empty state is a row that was locked alone, and never written. The free space lets a
-- row be replaced within its page.
CREATE TABLE buckets (
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name       TEXT COLLATE "C" NOT NULL,
    state      TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
) WITH (fillfactor = 70);
CREATE INDEX buckets_by_expiry ON buckets (expires_at);

-- Locks the limits of a tenant until the transaction ends, and returns the states of these buckets. A statement with both would read
-- with a snapshot that is older than the lock; in a function each statement has its own.
CREATE FUNCTION lock_buckets(of_tenant TEXT, VARIADIC names TEXT[]) RETURNS TABLE (name TEXT, state TEXT) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1, hashtext(of_tenant));
    -- One look-up for each name, whatever the planner believes about the size of the table.
    RETURN QUERY SELECT found.name, found.state FROM unnest(names) AS wanted (name) CROSS JOIN LATERAL (
        SELECT buckets.name, buckets.state FROM buckets
        WHERE buckets.tenant = of_tenant AND buckets.name = wanted.name LIMIT 1
    ) AS found;
END
$$;

CREATE TABLE idempotency (
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    operation  TEXT COLLATE "C" NOT NULL,
    key_hash   BYTEA NOT NULL,
    body_hash  BYTEA NOT NULL,
    resource   TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, operation, key_hash)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- What statistics show, counted by the hour in which a message or verification was created (`hour` is its first millisecond). The
-- triggers below count, so that a change and its count are committed together, whatever made the change. The counts outlive the
-- rows that they count. A number that belongs to no country has the empty one. `shard` lets transactions of
-- one tenant count at the same time.

-- Messages that have ended, without those to test numbers.
CREATE TABLE message_counts (
    tenant      TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    hour        BIGINT NOT NULL,
    country     TEXT COLLATE "C" NOT NULL,
    shard       INTEGER NOT NULL,
    accepted    BIGINT NOT NULL,
    failed      BIGINT NOT NULL,
    in_doubt    BIGINT NOT NULL,
    expired     BIGINT NOT NULL,
    cancelled   BIGINT NOT NULL,
    -- What was reported of them.
    delivered   BIGINT NOT NULL,
    undelivered BIGINT NOT NULL,
    -- Of the physical messages.
    segments    BIGINT NOT NULL,
    cost_micros BIGINT NOT NULL,
    PRIMARY KEY (tenant, hour, country, shard)
) WITH (fillfactor = 70);
CREATE INDEX message_counts_by_age ON message_counts (hour);

-- Messages that failed or are in doubt, by the class of their failure.
CREATE TABLE failure_counts (
    tenant   TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    hour     BIGINT NOT NULL,
    class    TEXT COLLATE "C" NOT NULL,
    shard    INTEGER NOT NULL,
    messages BIGINT NOT NULL,
    PRIMARY KEY (tenant, hour, class, shard)
) WITH (fillfactor = 70);
CREATE INDEX failure_counts_by_age ON failure_counts (hour);

-- Messages that a provider accepted, by the time from their creation to the response of the provider. `latency_ms` is the lower
-- bound of a range: up to 16 ms there is one for each millisecond, from there on eight for each doubling.
CREATE TABLE latency_counts (
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    hour       BIGINT NOT NULL,
    latency_ms BIGINT NOT NULL,
    shard      INTEGER NOT NULL,
    messages   BIGINT NOT NULL,
    PRIMARY KEY (tenant, hour, latency_ms, shard)
) WITH (fillfactor = 70);
CREATE INDEX latency_counts_by_age ON latency_counts (hour);

-- Verifications, without those of test numbers, by the country of their message.
CREATE TABLE verification_counts (
    tenant   TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    hour     BIGINT NOT NULL,
    country  TEXT COLLATE "C" NOT NULL,
    shard    INTEGER NOT NULL,
    started  BIGINT NOT NULL,
    approved BIGINT NOT NULL,
    PRIMARY KEY (tenant, hour, country, shard)
) WITH (fillfactor = 70);
CREATE INDEX verification_counts_by_age ON verification_counts (hour);

-- Counts for statistics. A message is counted when it ends: its status, segments and price do not change after that.
CREATE FUNCTION is_delivered(delivery TEXT) RETURNS INTEGER LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN delivery = 'delivered' THEN 1 ELSE 0 END
$$;
CREATE FUNCTION is_undelivered(delivery TEXT) RETURNS INTEGER LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN delivery IN ('expired', 'rejected', 'undelivered') THEN 1 ELSE 0 END
$$;
CREATE FUNCTION count_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO message_counts (tenant, hour, country, shard, accepted, failed, in_doubt, expired, cancelled, delivered,
        undelivered, segments, cost_micros)
    VALUES (NEW.tenant, NEW.created_at / 3600000 * 3600000, COALESCE(NEW.country, ''), hashtext(NEW.id) & 7,
        (NEW.status = 'accepted')::INTEGER, (NEW.status = 'failed')::INTEGER, (NEW.status = 'in-doubt')::INTEGER,
        (NEW.status = 'expired')::INTEGER, (NEW.status = 'cancelled')::INTEGER,
        is_delivered(NEW.delivery), is_undelivered(NEW.delivery),
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
    IF NEW.status IN ('failed', 'in-doubt') AND NEW.class IS NOT NULL THEN
        INSERT INTO failure_counts (tenant, hour, class, shard, messages)
        VALUES (NEW.tenant, NEW.created_at / 3600000 * 3600000, NEW.class, hashtext(NEW.id) & 7, 1)
        ON CONFLICT (tenant, hour, class, shard) DO UPDATE SET messages = failure_counts.messages + excluded.messages;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER messages_counted_when_they_end AFTER UPDATE OF status ON messages FOR EACH ROW
    WHEN (NEW.test = 0 AND OLD.status IN ('queued', 'sending') AND NEW.status NOT IN ('queued', 'sending'))
    EXECUTE FUNCTION count_message();
-- One that ends in the transaction that creates it.
CREATE TRIGGER messages_counted_at_once AFTER INSERT ON messages FOR EACH ROW
    WHEN (NEW.test = 0 AND NEW.status NOT IN ('queued', 'sending'))
    EXECUTE FUNCTION count_message();

-- A transaction may report on many messages, in an order that is not that of their counts. So only one at a time counts the reports
-- of a tenant, in a shard of their own (8), for which nothing else waits: no two transactions wait for each other.
CREATE FUNCTION count_report() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    more_delivered INTEGER := is_delivered(NEW.delivery) - is_delivered(OLD.delivery);
    more_undelivered INTEGER := is_undelivered(NEW.delivery) - is_undelivered(OLD.delivery);
BEGIN
    IF more_delivered = 0 AND more_undelivered = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('message_counts'), hashtext(NEW.tenant));
    INSERT INTO message_counts (tenant, hour, country, shard, accepted, failed, in_doubt, expired, cancelled, delivered,
        undelivered, segments, cost_micros)
    VALUES (NEW.tenant, NEW.created_at / 3600000 * 3600000, COALESCE(NEW.country, ''), 8, 0, 0, 0, 0, 0, more_delivered,
        more_undelivered, 0, 0)
    ON CONFLICT (tenant, hour, country, shard) DO UPDATE SET
        delivered = message_counts.delivered + excluded.delivered,
        undelivered = message_counts.undelivered + excluded.undelivered;
    RETURN NULL;
END
$$;
CREATE TRIGGER messages_counted_as_reported AFTER UPDATE OF delivery ON messages FOR EACH ROW
    WHEN (NEW.test = 0 AND NEW.status NOT IN ('queued', 'sending') AND NEW.delivery IS DISTINCT FROM OLD.delivery)
    EXECUTE FUNCTION count_report();

CREATE FUNCTION count_latency() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO latency_counts (tenant, hour, latency_ms, shard, messages)
    SELECT counted.tenant, counted.hour,
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
        END, hashtext(NEW.message) & 7, 1
    FROM (
        SELECT messages.tenant, created_at / 3600000 * 3600000 AS hour, GREATEST(NEW.finished_at - created_at, 0) AS took
        FROM messages WHERE messages.tenant = NEW.tenant AND id = NEW.message AND test = 0
    ) AS counted
    ON CONFLICT (tenant, hour, latency_ms, shard) DO UPDATE SET messages = latency_counts.messages + excluded.messages;
    RETURN NULL;
END
$$;
CREATE TRIGGER latencies_counted AFTER UPDATE OF outcome ON attempts FOR EACH ROW
    WHEN (NEW.outcome = 'accepted' AND OLD.outcome IS NULL)
    EXECUTE FUNCTION count_latency();

CREATE FUNCTION count_verification() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO verification_counts (tenant, hour, country, shard, started, approved)
    VALUES (NEW.tenant, NEW.created_at / 3600000 * 3600000,
        COALESCE((SELECT country FROM messages WHERE tenant = NEW.tenant AND id = NEW.message), ''), hashtext(NEW.id) & 7,
        (TG_OP = 'INSERT')::INTEGER, (NEW.status = 'approved')::INTEGER)
    ON CONFLICT (tenant, hour, country, shard) DO UPDATE SET started = verification_counts.started + excluded.started,
        approved = verification_counts.approved + excluded.approved;
    RETURN NULL;
END
$$;
CREATE TRIGGER verifications_counted_when_started AFTER INSERT ON verifications FOR EACH ROW
    WHEN (NEW.test = 0)
    EXECUTE FUNCTION count_verification();
CREATE TRIGGER verifications_counted_when_approved AFTER UPDATE OF status ON verifications FOR EACH ROW
    WHEN (NEW.test = 0 AND NEW.status = 'approved' AND OLD.status <> 'approved')
    EXECUTE FUNCTION count_verification();

-- `tenant` refers to no table: what was done to a tenant stays known after it is gone.
CREATE TABLE audit (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant       TEXT COLLATE "C",
    happened_at  BIGINT NOT NULL,
    actor        TEXT NOT NULL,
    action       TEXT COLLATE "C" NOT NULL,
    target       TEXT NOT NULL,
    state_before TEXT,
    state_after  TEXT
);
CREATE INDEX audit_of_tenant ON audit (tenant, id);
CREATE INDEX audit_of_action ON audit (tenant, action, id);
CREATE INDEX audit_by_age ON audit (happened_at);

CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an audit entry is never changed';
END
$$;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_refuses();
CREATE TRIGGER audit_is_never_emptied BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses();
-- The sweeper stores the time since which entries are kept, and deletes earlier ones.
CREATE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.happened_at >= COALESCE(
        (SELECT convert_from(value, 'UTF8')::BIGINT FROM meta WHERE name = 'audit_kept_since'), OLD.happened_at)
    THEN
        RAISE EXCEPTION 'an audit entry is never deleted before its time';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_keeps();
