-- When an operation that waits is not valid any more.
ALTER TABLE operation ADD COLUMN expires INTEGER;

CREATE INDEX operation_expires ON operation (tenant, expires) WHERE expires IS NOT NULL;

-- The last pauses between contacts, as `fleet::operations::Rhythm` writes them.
ALTER TABLE contact ADD COLUMN rhythm BLOB;
