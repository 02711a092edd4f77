-- In which countries, two letters each with a space between, what is kept of a tenant
-- and of those below it may rest; anywhere without a row. Rows of the default tenant,
-- as the tree is.
CREATE TABLE access_residency (
    tenant     TEXT NOT NULL,
    name       TEXT NOT NULL,
    countries  TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
