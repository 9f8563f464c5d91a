-- What platforms keep with messages and verifications: an id of their own, and values as JSON.
ALTER TABLE messages ADD COLUMN reference TEXT;
ALTER TABLE messages ADD COLUMN metadata TEXT;
CREATE INDEX messages_of_reference ON messages (tenant, reference, created_at, id) WHERE reference IS NOT NULL;
ALTER TABLE verifications ADD COLUMN reference TEXT;
ALTER TABLE verifications ADD COLUMN metadata TEXT;

-- For the list of verifications and its filters.
DROP INDEX verifications_newest;
CREATE INDEX verifications_newest ON verifications (tenant, created_at, id);
CREATE INDEX verifications_of_usage ON verifications (tenant, usage, created_at, id);
CREATE INDEX verifications_of_recipient ON verifications (tenant, recipient_hash, created_at, id);
CREATE INDEX verifications_of_reference ON verifications (tenant, reference, created_at, id) WHERE reference IS NOT NULL;

-- The name that the key of an entry had.
ALTER TABLE audit ADD COLUMN actor_name TEXT;
