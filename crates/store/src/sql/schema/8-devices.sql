-- The inventory. Columns are what is searched for; several values stand in one
-- column, each between two unit separators (U+001F). The document is the device: such
-- rows are too long for a tree that has them in its inner pages (WITHOUT ROWID).
CREATE TABLE device (
    tenant          TEXT NOT NULL,
    id              TEXT NOT NULL,
    version         INTEGER NOT NULL,
    created         INTEGER,
    serial          TEXT,
    model           TEXT,
    tier            TEXT,
    site            TEXT,
    country         TEXT,
    owner           TEXT,
    poll_interval   INTEGER,
    free_memory     INTEGER,
    cost            INTEGER,
    tag             TEXT,
    modem           TEXT,
    modem_firmware  TEXT,
    technology      TEXT,
    band            TEXT,
    sim             TEXT,
    state           TEXT,
    form_factor     TEXT,
    grade           TEXT,
    standard        TEXT,
    ipa             TEXT,
    package_version TEXT,
    ci_key          TEXT,
    euicc_firmware  TEXT,
    operator        TEXT,
    tariff          TEXT,
    residency       TEXT,
    document        TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX device_serial ON device (tenant, serial, id) WHERE serial IS NOT NULL;
CREATE INDEX device_model ON device (tenant, model, id) WHERE model IS NOT NULL;
CREATE INDEX device_tier ON device (tenant, tier, id) WHERE tier IS NOT NULL;
CREATE INDEX device_site ON device (tenant, site, id) WHERE site IS NOT NULL;
CREATE INDEX device_country ON device (tenant, country, id) WHERE country IS NOT NULL;
CREATE INDEX device_owner ON device (tenant, owner, id) WHERE owner IS NOT NULL;

-- An identity is of one device. Learned are those that an eUICC signed to have.
CREATE TABLE device_identity (
    tenant   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    value    TEXT NOT NULL,
    device   TEXT NOT NULL,
    learned  INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX device_identity_device ON device_identity (tenant, device, kind, value);

CREATE TABLE device_tag (
    tenant  TEXT NOT NULL,
    value   TEXT NOT NULL,
    device  TEXT NOT NULL,
    PRIMARY KEY (tenant, value, device)
) STRICT, WITHOUT ROWID;

-- What imports put aside until they are whole.
CREATE TABLE import (
    tenant  TEXT NOT NULL,
    id      TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE device_stage (
    tenant          TEXT NOT NULL,
    import          TEXT NOT NULL,
    id              TEXT NOT NULL,
    line            INTEGER NOT NULL,
    serial          TEXT,
    model           TEXT,
    tier            TEXT,
    site            TEXT,
    country         TEXT,
    owner           TEXT,
    poll_interval   INTEGER,
    free_memory     INTEGER,
    cost            INTEGER,
    tag             TEXT,
    modem           TEXT,
    modem_firmware  TEXT,
    technology      TEXT,
    band            TEXT,
    sim             TEXT,
    state           TEXT,
    form_factor     TEXT,
    grade           TEXT,
    standard        TEXT,
    ipa             TEXT,
    package_version TEXT,
    ci_key          TEXT,
    euicc_firmware  TEXT,
    operator        TEXT,
    tariff          TEXT,
    residency       TEXT,
    document        TEXT NOT NULL,
    PRIMARY KEY (tenant, import, id)
) STRICT;

CREATE TABLE device_identity_stage (
    tenant  TEXT NOT NULL,
    import  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    value   TEXT NOT NULL,
    device  TEXT NOT NULL,
    line    INTEGER NOT NULL,
    PRIMARY KEY (tenant, import, kind, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE device_tag_stage (
    tenant  TEXT NOT NULL,
    import  TEXT NOT NULL,
    value   TEXT NOT NULL,
    device  TEXT NOT NULL,
    PRIMARY KEY (tenant, import, device, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE euicc_stage (
    tenant         TEXT NOT NULL,
    import         TEXT NOT NULL,
    eid            TEXT NOT NULL,
    counter_value  INTEGER NOT NULL,
    document       BLOB NOT NULL,
    PRIMARY KEY (tenant, import, eid)
) STRICT, WITHOUT ROWID;

CREATE TABLE saved_search (
    tenant  TEXT NOT NULL,
    name    TEXT NOT NULL,
    query   TEXT NOT NULL,
    saved   INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- Samples as they came and spans of time as one, by level.
CREATE TABLE device_sample (
    tenant    TEXT NOT NULL,
    device    TEXT NOT NULL,
    level     TEXT NOT NULL,
    at        INTEGER NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (tenant, device, level, at)
) STRICT, WITHOUT ROWID;

CREATE INDEX device_sample_age ON device_sample (tenant, level, at);

CREATE TABLE device_latest (
    tenant        TEXT NOT NULL,
    device        TEXT NOT NULL,
    last_sample   INTEGER NOT NULL,
    rsrp          INTEGER,
    rsrq          INTEGER,
    sinr          INTEGER,
    network       TEXT,
    rat           TEXT,
    registration  TEXT,
    tunnel        TEXT,
    document      TEXT NOT NULL,
    PRIMARY KEY (tenant, device)
) STRICT, WITHOUT ROWID;

-- What happened to the profiles of eUICCs.
CREATE TABLE profile_history (
    tenant  TEXT NOT NULL,
    eid     TEXT NOT NULL,
    number  INTEGER NOT NULL,
    iccid   TEXT NOT NULL,
    event   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, eid, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX profile_history_iccid ON profile_history (tenant, iccid);

-- The device around each eUICC that is there already.
INSERT INTO device (tenant, id, version, sim, state, document)
    SELECT tenant, eid, 1, 'euicc', 'active',
           '{"id":"' || eid || '","sims":[{"kind":"euicc","eid":"' || eid || '","state":"active"}]}'
    FROM euicc WHERE eid NOT LIKE '0x%';

INSERT INTO device_identity (tenant, kind, value, device, learned)
    SELECT tenant, 'eid', eid, eid, 0 FROM euicc WHERE eid NOT LIKE '0x%';
