-- What happened and has no number yet; in the transaction in which it happened,
-- at rows of the same eUICC ('' where it is of none).
CREATE TABLE event_waiting (
    tenant    TEXT NOT NULL,
    eid       TEXT NOT NULL,
    -- A place in time, grown from that of the event before of the same thing.
    number    INTEGER NOT NULL,
    type      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    -- 0 if it is that of its number.
    time      INTEGER NOT NULL,
    document  BLOB NOT NULL,
    PRIMARY KEY (tenant, eid, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_waiting_number ON event_waiting (tenant, number);

-- The number of the last event that was given to an operation.
ALTER TABLE operation ADD COLUMN event INTEGER;

-- What happened, numbered without a gap. No secrets.
CREATE TABLE event (
    tenant    TEXT NOT NULL,
    sequence  INTEGER NOT NULL,
    type      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    time      INTEGER NOT NULL,
    document  BLOB NOT NULL,
    PRIMARY KEY (tenant, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_type ON event (tenant, type, sequence);

-- How far a tenant's events are numbered, how far they are forgotten, and who
-- numbers them until when.
CREATE TABLE event_counter (
    tenant     TEXT NOT NULL,
    last       INTEGER NOT NULL,
    forgotten  INTEGER NOT NULL,
    holder     TEXT NOT NULL,
    until      INTEGER NOT NULL,
    PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;

-- How far events went to where all of them go, and who brings them there until when.
CREATE TABLE event_export (
    tenant    TEXT NOT NULL,
    sink      TEXT NOT NULL,
    position  INTEGER NOT NULL,
    holder    TEXT NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (tenant, sink)
) STRICT, WITHOUT ROWID;

-- Who is told of events; the document is sealed.
CREATE TABLE webhook_endpoint (
    tenant         TEXT NOT NULL,
    id             TEXT NOT NULL,
    version        INTEGER NOT NULL,
    document       BLOB NOT NULL,
    enabled        INTEGER NOT NULL,
    -- All events up to this one are delivered, or not wanted.
    position       INTEGER NOT NULL,
    -- Of the event that is being delivered.
    attempts       INTEGER NOT NULL,
    failing_since  INTEGER,
    delivery       INTEGER,
    due            INTEGER NOT NULL,
    -- How often it was taken: who has an older number has lost it.
    taken          INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_endpoint_due ON webhook_endpoint (tenant, due) WHERE enabled = 1;

-- Events that are delivered once more, before all others.
CREATE TABLE webhook_replay (
    tenant      TEXT NOT NULL,
    endpoint    TEXT NOT NULL,
    number      INTEGER NOT NULL,
    next        INTEGER NOT NULL,
    last        INTEGER NOT NULL,
    -- Whether those, too, that the endpoint's filter does not want.
    unfiltered  INTEGER NOT NULL,
    PRIMARY KEY (tenant, endpoint, number)
) STRICT, WITHOUT ROWID;

-- What became of each event at each endpoint.
CREATE TABLE webhook_delivery (
    tenant    TEXT NOT NULL,
    endpoint  TEXT NOT NULL,
    number    INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,
    event     TEXT NOT NULL,
    type      TEXT NOT NULL,
    state     TEXT NOT NULL,
    replayed  INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    first     INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    -- Of the last attempt: the HTTP status if there was one, milliseconds, and how
    -- the answer begins or why there was none.
    status    INTEGER,
    duration  INTEGER NOT NULL,
    detail    TEXT NOT NULL,
    PRIMARY KEY (tenant, endpoint, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_delivery_number ON webhook_delivery (tenant, number);
CREATE INDEX webhook_delivery_last ON webhook_delivery (tenant, last);
