-- By tenant, so that the newest attempts of each tenant are found without reading those of the others.
DROP INDEX attempts_of_version;
CREATE INDEX attempts_of_version ON attempts (digest, tenant, started_at);
