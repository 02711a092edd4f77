-- Schema 6. Documents are JSON; columns are what is searched for. Documents,
-- subscriptions, templates, packages and replies are sealed.

-- Something sealed, by which the key of this database is known again.
CREATE TABLE sealing (
    probe  BLOB NOT NULL
) STRICT;

CREATE TABLE euicc (
    eid       TEXT PRIMARY KEY,
    version   INTEGER NOT NULL,
    -- Whether a profile is to be chosen for it when it polls.
    waits     INTEGER NOT NULL,
    document  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- eUICCs that were removed: their counters must not go back.
CREATE TABLE euicc_removed (
    eid            TEXT PRIMARY KEY,
    counter_value  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which eUICC was given which activation code of a stock.
CREATE TABLE code (
    stock  TEXT NOT NULL,
    place  INTEGER NOT NULL,
    eid    TEXT NOT NULL,
    PRIMARY KEY (stock, place),
    UNIQUE (stock, eid)
) STRICT, WITHOUT ROWID;

-- When devices polled last.
CREATE TABLE contact (
    eid   TEXT PRIMARY KEY,
    last  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Pre-shared keys of devices (DTLS); sealed.
CREATE TABLE psk (
    identity  TEXT PRIMARY KEY,
    eid       TEXT NOT NULL UNIQUE REFERENCES euicc (eid),
    secret    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE operation (
    number    INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    eid       TEXT NOT NULL REFERENCES euicc (eid),
    is_open   INTEGER NOT NULL,
    state     TEXT NOT NULL,
    -- Of a package whose result is not known.
    transaction_id  TEXT,
    document  BLOB NOT NULL
) STRICT;

CREATE INDEX operation_transaction ON operation (transaction_id)
    WHERE transaction_id IS NOT NULL;
CREATE INDEX operation_open ON operation (eid, number) WHERE is_open = 1;
CREATE INDEX operation_eid ON operation (eid, number);
CREATE INDEX operation_state ON operation (state, number);

-- Downloads that are relayed, by their RSP session.
CREATE TABLE relay_session (
    transaction_id  TEXT PRIMARY KEY,
    eid             TEXT NOT NULL,
    operation       TEXT NOT NULL,
    awaits_result   INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    kept_until      INTEGER NOT NULL,
    document        BLOB NOT NULL,
    request_digest  BLOB NOT NULL,
    reply           BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX relay_session_eid ON relay_session (eid);
CREATE INDEX relay_session_kept_until ON relay_session (kept_until);

-- What eUICCs signed; it stays when an eUICC is removed.
CREATE TABLE evidence (
    number      INTEGER PRIMARY KEY,
    eid         TEXT NOT NULL,
    kind        TEXT NOT NULL,
    operation   TEXT,
    seq_number  INTEGER,
    verified    INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    digest      BLOB NOT NULL,
    der         BLOB NOT NULL,
    UNIQUE (eid, digest)
) STRICT;

-- Notifications that SM-DP+ are to be told.
CREATE TABLE outbox (
    evidence  INTEGER PRIMARY KEY REFERENCES evidence (number),
    address   TEXT NOT NULL,
    state     TEXT NOT NULL,
    attempts  INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    detail    TEXT NOT NULL
) STRICT;

CREATE INDEX outbox_due ON outbox (due) WHERE state = 'waiting';

CREATE TABLE profile_type (
    name                   TEXT PRIMARY KEY,
    template               BLOB NOT NULL,
    -- By what it is compared.
    template_index         BLOB NOT NULL,
    service_provider_name  TEXT NOT NULL,
    profile_name           TEXT NOT NULL,
    profile_class          INTEGER NOT NULL,
    settings               TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    iccid         TEXT PRIMARY KEY,
    profile_type  TEXT NOT NULL REFERENCES profile_type (name),
    state         TEXT NOT NULL,
    eid           TEXT,
    -- An index of the MatchingID, not itself.
    matching_id   BLOB UNIQUE,
    -- Which order it is, counted from the first; NULL while in stock.
    ordered       INTEGER,
    -- Who ordered it, by which call.
    requester     TEXT,
    call          TEXT,
    version       INTEGER NOT NULL,
    document      BLOB NOT NULL,
    subscription  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX profile_available ON profile (profile_type, iccid) WHERE state = 'available';
CREATE INDEX profile_eid ON profile (eid, ordered) WHERE eid IS NOT NULL;
CREATE UNIQUE INDEX profile_ordered ON profile (ordered) WHERE ordered IS NOT NULL;

CREATE INDEX profile_call ON profile (requester, call, ordered) WHERE call IS NOT NULL;

-- Packages that were delivered and whose result is not known.
CREATE TABLE kept_package (
    iccid              TEXT PRIMARY KEY REFERENCES profile (iccid),
    generation         INTEGER NOT NULL,
    eid                TEXT NOT NULL,
    server_ci          BLOB NOT NULL,
    euicc_otpk         BLOB NOT NULL,
    package            BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What operators are still to be told of their downloads.
CREATE TABLE progress (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    operator  TEXT NOT NULL,
    created   INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    document  BLOB NOT NULL
) STRICT;

CREATE INDEX progress_operator ON progress (operator, number);

CREATE TABLE session (
    transaction_id  TEXT PRIMARY KEY,
    version         INTEGER NOT NULL,
    updated         INTEGER NOT NULL,
    kept_until      INTEGER NOT NULL,
    document        BLOB NOT NULL,
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

-- Events of the SM-DP+ at SM-DSs.
CREATE TABLE announcement (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    iccid       TEXT NOT NULL,
    generation  INTEGER NOT NULL,
    stage       TEXT NOT NULL,
    due         INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    expires     INTEGER,
    document    BLOB NOT NULL,
    UNIQUE (iccid, generation)
) STRICT;

CREATE INDEX announcement_due ON announcement (due) WHERE stage <> 'registered';
CREATE INDEX announcement_expires ON announcement (expires) WHERE stage <> 'delete';

-- SM-DS: all events of an eUICC in one row, which is what a device asks for.
CREATE TABLE smds_event (
    eid       TEXT PRIMARY KEY,
    version   INTEGER NOT NULL,
    document  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE smds_session (
    transaction_id  TEXT PRIMARY KEY,
    version         INTEGER NOT NULL,
    updated         INTEGER NOT NULL,
    document        BLOB NOT NULL,
    request_digest  BLOB NOT NULL,
    reply           BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX smds_session_updated ON smds_session (updated);
