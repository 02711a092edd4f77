-- Schema 8: who may come in.

-- The tree of tenants; all rows are of the default tenant.
CREATE TABLE access_tenant (
    tenant  TEXT NOT NULL,
    name    TEXT NOT NULL,
    parent  TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- Which tenant has a key for a client certificate; all rows are of the default
-- tenant.
CREATE TABLE access_certificate (
    tenant  TEXT NOT NULL,
    digest  BLOB NOT NULL,
    holder  TEXT NOT NULL,
    PRIMARY KEY (tenant, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE access_role (
    tenant    TEXT NOT NULL,
    name      TEXT NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- Users with their credentials; sealed.
CREATE TABLE access_account (
    tenant    TEXT NOT NULL,
    id        TEXT NOT NULL,
    version   INTEGER NOT NULL,
    name      TEXT NOT NULL,
    role      TEXT NOT NULL,
    -- Whether the user is an admin who may sign in.
    is_admin  INTEGER NOT NULL,
    -- Who the user is at an identity provider.
    subject   TEXT,
    document  BLOB NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, name),
    UNIQUE (tenant, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE access_key (
    tenant    TEXT NOT NULL,
    id        TEXT NOT NULL,
    -- SHA-256 of what is shown.
    digest    BLOB NOT NULL,
    seen      INTEGER,
    document  TEXT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE access_session (
    tenant    TEXT NOT NULL,
    digest    BLOB NOT NULL,
    owner     TEXT NOT NULL,
    ends      INTEGER NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (tenant, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX access_session_owner ON access_session (tenant, owner);
CREATE INDEX access_session_ends ON access_session (tenant, ends);

-- Failures to sign in, of an address, an account or a pair.
CREATE TABLE access_attempt (
    tenant    TEXT NOT NULL,
    subject   TEXT NOT NULL,
    failures  INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;

-- What waits for a browser to come back; sealed.
CREATE TABLE access_pending (
    tenant   TEXT NOT NULL,
    digest   TEXT NOT NULL,
    ends     INTEGER NOT NULL,
    secret   BLOB NOT NULL,
    PRIMARY KEY (tenant, digest)
) STRICT, WITHOUT ROWID;
