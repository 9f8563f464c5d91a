-- The next file to check of each tenant.
DROP INDEX connector_versions_unchecked;
CREATE INDEX connector_versions_unchecked ON connector_versions (tenant, uploaded_at, digest) WHERE state = 'checking';

-- Whether a report was signed. Of those that were stored before this column existed, that is not known.
ALTER TABLE delivery_reports ADD COLUMN signed INTEGER NOT NULL DEFAULT 0;
