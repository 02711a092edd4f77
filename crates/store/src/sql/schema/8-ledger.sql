-- Pools of activation codes.
CREATE TABLE code_pool (
    tenant    TEXT NOT NULL,
    pool      TEXT NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (tenant, pool)
) STRICT, WITHOUT ROWID;

-- Their codes; sealed.
CREATE TABLE activation_code (
    tenant     TEXT NOT NULL,
    pool       TEXT NOT NULL,
    number     INTEGER NOT NULL,
    state      TEXT NOT NULL,
    -- When it came into its state.
    since      INTEGER NOT NULL,
    -- When its SM-DP+ is asked about it.
    due        INTEGER,
    -- Who has or had it.
    eid        TEXT,
    operation  TEXT,
    iccid      TEXT,
    -- An index of the code, not itself; of the call as long as it is ordered.
    digest     BLOB NOT NULL,
    code       BLOB NOT NULL,
    -- What its SM-DP+ is asked for it.
    ordering   TEXT,
    PRIMARY KEY (tenant, pool, number),
    FOREIGN KEY (tenant, pool) REFERENCES code_pool (tenant, pool)
) STRICT, WITHOUT ROWID;

-- One that is brought twice is one.
CREATE UNIQUE INDEX activation_code_digest ON activation_code (tenant, digest);
CREATE INDEX activation_code_state ON activation_code (tenant, pool, state, number);
CREATE INDEX activation_code_due ON activation_code (tenant, due) WHERE due IS NOT NULL;
