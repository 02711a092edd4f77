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

CREATE INDEX request_key_since ON request_key (tenant, since);
