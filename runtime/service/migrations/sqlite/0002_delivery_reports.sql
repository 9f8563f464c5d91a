-- What providers report of messages after they took them.
-- The twin of this file is migrations/postgres/0002_delivery_reports.sql: the same tables, columns and indexes.

-- Sealed: what stands in the address that the provider calls. A connection that was saved before has none until it is saved
-- again.
ALTER TABLE connections ADD COLUMN report_token BLOB;

-- Keyed hash of the provider's id, once the provider took it.
ALTER TABLE attempts ADD COLUMN provider_id BLOB;
CREATE INDEX attempts_of_provider_id ON attempts (tenant, connection, provider_id) WHERE provider_id IS NOT NULL;

-- The furthest that was reported: messages are listed and counted by it.
ALTER TABLE messages ADD COLUMN delivery TEXT;

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
