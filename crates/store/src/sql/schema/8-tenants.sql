-- Whose an eUICC is: one tenant's, or nobody's ('') if it was removed. Its key is the
-- EID alone, so that two tenants cannot have it at once, and so that it lies where the
-- other rows of the eUICC are. The counter is the last one that is known to have been
-- sent when it was removed: all tenants have one eIM, and it must not go back.
CREATE TABLE euicc_holder (
    eid            TEXT NOT NULL,
    tenant         TEXT NOT NULL,
    counter_value  INTEGER NOT NULL,
    PRIMARY KEY (eid)
) STRICT, WITHOUT ROWID;

INSERT INTO euicc_holder (eid, tenant, counter_value)
    SELECT eid, tenant, 0 FROM euicc;

INSERT INTO euicc_holder (eid, tenant, counter_value)
    SELECT eid, '', counter_value FROM euicc_removed WHERE true
    ON CONFLICT (eid) DO UPDATE SET counter_value = excluded.counter_value;

DROP TABLE euicc_removed;

-- By what a message finds its tenant that names no EID.
CREATE INDEX operation_transaction_of_all ON operation (transaction_id)
    WHERE transaction_id IS NOT NULL;
CREATE INDEX operation_state_of_all ON operation (state, created);
CREATE INDEX relay_session_of_all ON relay_session (transaction_id);
CREATE INDEX psk_identity_of_all ON psk (identity);

-- What other processes must hear of is asked for all tenants at once.
DROP INDEX change_at;
CREATE INDEX change_at ON change (at);
