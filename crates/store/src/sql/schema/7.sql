-- Schema 7, the first with tenants. Documents are JSON; columns are what is
-- searched for. Documents, subscriptions, templates, packages and replies are
-- sealed.
--
-- Every row but the key's has a tenant, and what has rows of one eUICC has its EID
-- next in the key, so that tables can be spread by them. Truth values are 0 and 1,
-- times milliseconds since 1970.

-- Something sealed, by which the key of this database is known again.
CREATE TABLE sealing (
    probe  BLOB NOT NULL
) STRICT;

CREATE TABLE euicc (
    tenant    TEXT NOT NULL,
    eid       TEXT NOT NULL,
    version   INTEGER NOT NULL,
    -- Whether a profile is to be chosen for it when it polls.
    waits     INTEGER NOT NULL,
    document  BLOB NOT NULL,
    PRIMARY KEY (tenant, eid)
) STRICT, WITHOUT ROWID;

-- eUICCs that were removed: their counters must not go back.
CREATE TABLE euicc_removed (
    tenant         TEXT NOT NULL,
    eid            TEXT NOT NULL,
    counter_value  INTEGER NOT NULL,
    PRIMARY KEY (tenant, eid)
) STRICT, WITHOUT ROWID;

-- Which eUICC was given which activation code of a stock.
CREATE TABLE code (
    tenant  TEXT NOT NULL,
    stock   TEXT NOT NULL,
    place   INTEGER NOT NULL,
    eid     TEXT NOT NULL,
    PRIMARY KEY (tenant, stock, place),
    UNIQUE (tenant, stock, eid)
) STRICT, WITHOUT ROWID;

-- When devices polled last.
CREATE TABLE contact (
    tenant  TEXT NOT NULL,
    eid     TEXT NOT NULL,
    last    INTEGER NOT NULL,
    PRIMARY KEY (tenant, eid)
) STRICT, WITHOUT ROWID;

-- Pre-shared keys of devices (DTLS); sealed.
CREATE TABLE psk (
    tenant    TEXT NOT NULL,
    identity  TEXT NOT NULL,
    eid       TEXT NOT NULL,
    secret    BLOB NOT NULL,
    PRIMARY KEY (tenant, identity)
) STRICT, WITHOUT ROWID;

CREATE INDEX psk_eid ON psk (tenant, eid);

CREATE TABLE operation (
    tenant    TEXT NOT NULL,
    eid       TEXT NOT NULL,
    -- Its place among those of the eUICC.
    number    INTEGER NOT NULL,
    id        TEXT NOT NULL,
    -- By what they are listed; those of older schemas have small numbers.
    created   INTEGER NOT NULL,
    is_open   INTEGER NOT NULL,
    state     TEXT NOT NULL,
    -- Of a package whose result is not known.
    transaction_id  TEXT,
    document  BLOB NOT NULL,
    PRIMARY KEY (tenant, eid, number),
    UNIQUE (tenant, eid, id),
    FOREIGN KEY (tenant, eid) REFERENCES euicc (tenant, eid)
) STRICT;

CREATE INDEX operation_id ON operation (tenant, id);
CREATE INDEX operation_transaction ON operation (tenant, transaction_id)
    WHERE transaction_id IS NOT NULL;
CREATE INDEX operation_open ON operation (tenant, eid, number) WHERE is_open = 1;
CREATE INDEX operation_created ON operation (tenant, created, eid, number);
CREATE INDEX operation_state ON operation (tenant, state, created, eid, number);

-- Downloads that are relayed, by their RSP session.
CREATE TABLE relay_session (
    tenant          TEXT NOT NULL,
    transaction_id  TEXT NOT NULL,
    eid             TEXT NOT NULL,
    operation       TEXT NOT NULL,
    awaits_result   INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    kept_until      INTEGER NOT NULL,
    document        BLOB NOT NULL,
    request_digest  BLOB NOT NULL,
    reply           BLOB NOT NULL,
    PRIMARY KEY (tenant, transaction_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX relay_session_eid ON relay_session (tenant, eid);
CREATE INDEX relay_session_kept_until ON relay_session (tenant, kept_until);

-- What eUICCs signed; it stays when an eUICC is removed.
CREATE TABLE evidence (
    tenant      TEXT NOT NULL,
    eid         TEXT NOT NULL,
    -- Its place among those of the eUICC.
    number      INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    operation   TEXT,
    seq_number  INTEGER,
    verified    INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    digest      BLOB NOT NULL,
    der         BLOB NOT NULL,
    PRIMARY KEY (tenant, eid, number),
    UNIQUE (tenant, eid, digest)
) STRICT;

-- Notifications that SM-DP+ are to be told.
CREATE TABLE outbox (
    tenant    TEXT NOT NULL,
    eid       TEXT NOT NULL,
    number    INTEGER NOT NULL,
    address   TEXT NOT NULL,
    state     TEXT NOT NULL,
    attempts  INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    detail    TEXT NOT NULL,
    PRIMARY KEY (tenant, eid, number),
    FOREIGN KEY (tenant, eid, number) REFERENCES evidence (tenant, eid, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_due ON outbox (tenant, due) WHERE state = 'waiting';

CREATE INDEX outbox_state ON outbox (tenant, state);

CREATE TABLE profile_type (
    tenant                 TEXT NOT NULL,
    name                   TEXT NOT NULL,
    template               BLOB NOT NULL,
    -- By what it is compared.
    template_index         BLOB NOT NULL,
    service_provider_name  TEXT NOT NULL,
    profile_name           TEXT NOT NULL,
    profile_class          INTEGER NOT NULL,
    settings               TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    tenant        TEXT NOT NULL,
    iccid         TEXT NOT NULL,
    profile_type  TEXT NOT NULL,
    state         TEXT NOT NULL,
    eid           TEXT,
    -- An index of the MatchingID, not itself.
    matching_id   BLOB,
    -- When it was ordered, as a place among all orders; NULL while in stock.
    ordered       INTEGER,
    -- Who ordered it, by which call.
    requester     TEXT,
    call          TEXT,
    version       INTEGER NOT NULL,
    document      BLOB NOT NULL,
    subscription  BLOB NOT NULL,
    PRIMARY KEY (tenant, iccid),
    FOREIGN KEY (tenant, profile_type) REFERENCES profile_type (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX profile_matching_id ON profile (tenant, matching_id)
    WHERE matching_id IS NOT NULL;
CREATE INDEX profile_available ON profile (tenant, profile_type, iccid)
    WHERE state = 'available';
CREATE INDEX profile_eid ON profile (tenant, eid, ordered) WHERE eid IS NOT NULL;
CREATE INDEX profile_call ON profile (tenant, requester, call, ordered)
    WHERE call IS NOT NULL;

-- Packages that were delivered and whose result is not known.
CREATE TABLE kept_package (
    tenant      TEXT NOT NULL,
    iccid       TEXT NOT NULL,
    generation  INTEGER NOT NULL,
    eid         TEXT NOT NULL,
    server_ci   BLOB NOT NULL,
    euicc_otpk  BLOB NOT NULL,
    package     BLOB NOT NULL,
    PRIMARY KEY (tenant, iccid),
    FOREIGN KEY (tenant, iccid) REFERENCES profile (tenant, iccid)
) STRICT, WITHOUT ROWID;

-- What operators are still to be told of their downloads.
CREATE TABLE progress (
    tenant    TEXT NOT NULL,
    operator  TEXT NOT NULL,
    number    INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    document  BLOB NOT NULL,
    PRIMARY KEY (tenant, operator, number)
) STRICT;

CREATE INDEX progress_due ON progress (tenant, due);

CREATE TABLE session (
    tenant          TEXT NOT NULL,
    transaction_id  TEXT NOT NULL,
    version         INTEGER NOT NULL,
    updated         INTEGER NOT NULL,
    kept_until      INTEGER NOT NULL,
    document        BLOB NOT NULL,
    request_digest  BLOB NOT NULL,
    reply           BLOB NOT NULL,
    PRIMARY KEY (tenant, transaction_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX session_kept_until ON session (tenant, kept_until);

-- Notifications of any eUICC: the SM-DP+ keeps no list of eUICCs.
CREATE TABLE smdp_notification (
    tenant      TEXT NOT NULL,
    eid         TEXT NOT NULL,
    seq_number  INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    der         BLOB NOT NULL,
    PRIMARY KEY (tenant, eid, seq_number)
) STRICT, WITHOUT ROWID;

-- Events of the SM-DP+ at SM-DSs.
CREATE TABLE announcement (
    tenant      TEXT NOT NULL,
    iccid       TEXT NOT NULL,
    generation  INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    stage       TEXT NOT NULL,
    due         INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    expires     INTEGER,
    document    BLOB NOT NULL,
    PRIMARY KEY (tenant, iccid, generation)
) STRICT;

CREATE INDEX announcement_due ON announcement (tenant, due) WHERE stage <> 'registered';
CREATE INDEX announcement_expires ON announcement (tenant, expires) WHERE stage <> 'delete';

-- SM-DS: all events of an eUICC in one row, which is what a device asks for.
CREATE TABLE smds_event (
    tenant    TEXT NOT NULL,
    eid       TEXT NOT NULL,
    version   INTEGER NOT NULL,
    document  BLOB NOT NULL,
    PRIMARY KEY (tenant, eid)
) STRICT, WITHOUT ROWID;

CREATE TABLE smds_session (
    tenant          TEXT NOT NULL,
    transaction_id  TEXT NOT NULL,
    version         INTEGER NOT NULL,
    updated         INTEGER NOT NULL,
    document        BLOB NOT NULL,
    request_digest  BLOB NOT NULL,
    reply           BLOB NOT NULL,
    PRIMARY KEY (tenant, transaction_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX smds_session_updated ON smds_session (tenant, updated);

-- Where several processes work on one database: eUICCs that the others must look
-- at, and since when, by the database's clock.
CREATE TABLE change (
    tenant  TEXT NOT NULL,
    eid     TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, eid)
) STRICT, WITHOUT ROWID;

CREATE INDEX change_at ON change (tenant, at);
