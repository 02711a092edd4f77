-- Schema 1. Documents are JSON; columns are what is searched for.

CREATE TABLE euicc (
    eid       TEXT PRIMARY KEY,
    version   INTEGER NOT NULL,
    document  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE operation (
    number    INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    eid       TEXT NOT NULL REFERENCES euicc (eid),
    is_open   INTEGER NOT NULL,
    document  TEXT NOT NULL
) STRICT;

CREATE INDEX operation_open ON operation (eid, number) WHERE is_open = 1;

CREATE TABLE notification (
    eid         TEXT NOT NULL REFERENCES euicc (eid),
    seq_number  INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    der         BLOB NOT NULL,
    PRIMARY KEY (eid, seq_number)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile_type (
    name                   TEXT PRIMARY KEY,
    template               BLOB NOT NULL,
    service_provider_name  TEXT NOT NULL,
    profile_name           TEXT NOT NULL,
    profile_class          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    iccid         TEXT PRIMARY KEY,
    profile_type  TEXT NOT NULL REFERENCES profile_type (name),
    state         TEXT NOT NULL,
    eid           TEXT,
    matching_id   TEXT UNIQUE,
    -- Which order it is, counted from the first; NULL while in stock.
    ordered       INTEGER,
    version       INTEGER NOT NULL,
    document      TEXT NOT NULL,
    subscription  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX profile_available ON profile (profile_type, iccid) WHERE state = 'available';
CREATE INDEX profile_eid ON profile (eid, ordered) WHERE eid IS NOT NULL;
CREATE UNIQUE INDEX profile_ordered ON profile (ordered) WHERE ordered IS NOT NULL;

CREATE TABLE session (
    transaction_id  TEXT PRIMARY KEY,
    version         INTEGER NOT NULL,
    updated         INTEGER NOT NULL,
    kept_until      INTEGER NOT NULL,
    document        TEXT NOT NULL,
    request_digest  BLOB NOT NULL,
    reply           BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX session_kept_until ON session (kept_until);

-- Notifications of any eUICC: the SM-DP+ keeps no list of eUICCs.
CREATE TABLE smdp_notification (
    eid         TEXT NOT NULL,
    seq_number  INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    der         BLOB NOT NULL,
    PRIMARY KEY (eid, seq_number)
) STRICT, WITHOUT ROWID;
