-- JSON: which enabled webhook endpoints want which events. Absent without one, so that a message of such a tenant costs nothing more.
ALTER TABLE tenants ADD COLUMN subscriptions TEXT;
CREATE INDEX tenants_subscribed ON tenants (id) WHERE subscriptions IS NOT NULL;

-- Where events of a tenant are sent. `secret` and `old_secret` are sealed; the old one signs beside the new one until `old_until`.
CREATE TABLE webhook_endpoints (
    tenant          TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id              TEXT NOT NULL,
    name            TEXT NOT NULL,
    url             TEXT,
    events          TEXT NOT NULL,
    disabled_reason TEXT,
    secret          BLOB NOT NULL,
    old_secret      BLOB,
    old_until       INTEGER,
    -- Since when every attempt has failed.
    failing_since   INTEGER,
    -- Events that were deleted before they could be sent.
    dropped         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

-- What has happened, written in the transaction in which it happened. `data` is JSON.
CREATE TABLE events (
    tenant      TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id          TEXT NOT NULL,
    type        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    happened_at INTEGER NOT NULL,
    data        TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX events_newest ON events (tenant, happened_at, id);
CREATE INDEX events_of_type ON events (tenant, type, happened_at, id);
CREATE INDEX events_of_subject ON events (tenant, subject, happened_at, id);
CREATE INDEX events_by_age ON events (happened_at);

-- An event for one endpoint. Those of one subject are sent in the order of `sequence`. `endpoint` refers to no table: an endpoint may be
-- deleted while an event is written for it.
CREATE TABLE event_deliveries (
    sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant          TEXT NOT NULL,
    event           TEXT NOT NULL,
    endpoint        TEXT NOT NULL,
    subject         TEXT NOT NULL,
    status          TEXT NOT NULL,
    -- Failed attempts since the event was written or sent again.
    failures        INTEGER NOT NULL,
    -- JSON: the last attempts.
    attempts        TEXT NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    lease_process   TEXT,
    lease_claim     INTEGER,
    FOREIGN KEY (tenant, event) REFERENCES events (tenant, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX event_deliveries_of_event ON event_deliveries (tenant, event, endpoint);
-- What is asked for when events are sent: only what has not ended.
CREATE INDEX event_deliveries_due ON event_deliveries (next_attempt_at) WHERE status = 'pending';
CREATE INDEX event_deliveries_due_of_endpoint ON event_deliveries (tenant, endpoint, next_attempt_at, sequence)
    WHERE status = 'pending';
CREATE INDEX event_deliveries_of_subject ON event_deliveries (tenant, endpoint, subject, sequence) WHERE status = 'pending';
