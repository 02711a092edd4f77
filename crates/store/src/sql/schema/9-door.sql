-- Requests that came with an Idempotency-Key, and what they were answered.
CREATE TABLE request_key (
    tenant     TEXT NOT NULL,
    principal  TEXT NOT NULL,
    name       TEXT NOT NULL,
    -- `claimed`; `begun` when something of it was committed; `answered`.
    state      TEXT NOT NULL,
    -- Who carries it out, and when they are given up.
    holder     INTEGER NOT NULL,
    until      INTEGER NOT NULL,
    since      INTEGER NOT NULL,
    -- A digest of what was asked, and the answer; sealed.
    document   BLOB NOT NULL,
    PRIMARY KEY (tenant, principal, name)
) STRICT;

-- When a principal, or with the name '' all of a tenant, may order on as many devices as
-- ever, in microseconds.
CREATE TABLE device_allowance (
    tenant     TEXT NOT NULL,
    principal  TEXT NOT NULL,
    whole_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant, principal)
) STRICT, WITHOUT ROWID;

-- How far imports are and what became of them. What is changed often while rows are
-- switched over stands in another row than what that transaction changes.
CREATE TABLE import_report (
    tenant    TEXT NOT NULL,
    id        TEXT NOT NULL,
    at        INTEGER NOT NULL,
    state     TEXT NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

-- Rows that are switched over.
ALTER TABLE import ADD COLUMN through INTEGER;

CREATE INDEX request_key_since ON request_key (tenant, since);
