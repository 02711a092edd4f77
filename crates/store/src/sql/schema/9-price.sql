-- What operators bill for octets, by the names that profiles of the inventory have.
CREATE TABLE tariff (
    tenant    TEXT NOT NULL,
    name      TEXT NOT NULL,
    version   INTEGER NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
