-- From schema 6 to 7: the rows move over, to the default tenant.
INSERT INTO sealing (probe) SELECT probe FROM sealing_6;

INSERT INTO euicc (
    tenant, eid, version, waits, document
) SELECT
    'default', eid, version, waits, document
FROM euicc_6;

INSERT INTO euicc_removed (
    tenant, eid, counter_value
) SELECT
    'default', eid, counter_value
FROM euicc_removed_6;

INSERT INTO code (
    tenant, stock, place, eid
) SELECT
    'default', stock, place, eid
FROM code_6;

INSERT INTO contact (
    tenant, eid, last
) SELECT
    'default', eid, last
FROM contact_6;

INSERT INTO psk (
    tenant, identity, eid, secret
) SELECT
    'default', identity, eid, secret
FROM psk_6;

INSERT INTO operation (
    tenant, number, id, eid, is_open, state, transaction_id, document, created
) SELECT
    'default', number, id, eid, is_open, state, transaction_id, document, number
FROM operation_6;

INSERT INTO relay_session (
    tenant, transaction_id, eid, operation, awaits_result, version, kept_until,
    document, request_digest, reply
) SELECT
    'default', transaction_id, eid, operation, awaits_result, version, kept_until,
    document, request_digest, reply
FROM relay_session_6;

INSERT INTO evidence (
    tenant, number, eid, kind, operation, seq_number, verified, received, digest,
    der
) SELECT
    'default', number, eid, kind, operation, seq_number, verified, received,
    digest, der
FROM evidence_6;

INSERT INTO outbox (
    tenant, eid, number, address, state, attempts, due, detail
) SELECT
    'default', eid, number, o.address, o.state, o.attempts, o.due, o.detail
FROM outbox_6 AS o JOIN evidence_6 ON number = o.evidence;

INSERT INTO profile_type (
    tenant, name, template, template_index, service_provider_name, profile_name,
    profile_class, settings
) SELECT
    'default', name, template, template_index, service_provider_name, profile_name,
    profile_class, settings
FROM profile_type_6;

INSERT INTO profile (
    tenant, iccid, profile_type, state, eid, matching_id, ordered, requester, call,
    version, document, subscription
) SELECT
    'default', iccid, profile_type, state, eid, matching_id, ordered, requester,
    call, version, document, subscription
FROM profile_6;

INSERT INTO kept_package (
    tenant, iccid, generation, eid, server_ci, euicc_otpk, package
) SELECT
    'default', iccid, generation, eid, server_ci, euicc_otpk, package
FROM kept_package_6;

INSERT INTO progress (
    tenant, number, operator, created, due, attempts, document
) SELECT
    'default', number, operator, created, due, attempts, document
FROM progress_6;

INSERT INTO session (
    tenant, transaction_id, version, updated, kept_until, document, request_digest,
    reply
) SELECT
    'default', transaction_id, version, updated, kept_until, document,
    request_digest, reply
FROM session_6;

INSERT INTO smdp_notification (
    tenant, eid, seq_number, received, der
) SELECT
    'default', eid, seq_number, received, der
FROM smdp_notification_6;

INSERT INTO announcement (
    tenant, number, iccid, generation, stage, due, attempts, created, expires,
    document
) SELECT
    'default', number, iccid, generation, stage, due, attempts, created, expires,
    document
FROM announcement_6;

INSERT INTO smds_event (
    tenant, eid, version, document
) SELECT
    'default', eid, version, document
FROM smds_event_6;

INSERT INTO smds_session (
    tenant, transaction_id, version, updated, document, request_digest, reply
) SELECT
    'default', transaction_id, version, updated, document, request_digest, reply
FROM smds_session_6;

DROP TABLE outbox_6;
DROP TABLE operation_6;
DROP TABLE psk_6;
DROP TABLE kept_package_6;
DROP TABLE profile_6;
DROP TABLE euicc_6;
DROP TABLE euicc_removed_6;
DROP TABLE code_6;
DROP TABLE contact_6;
DROP TABLE relay_session_6;
DROP TABLE evidence_6;
DROP TABLE profile_type_6;
DROP TABLE progress_6;
DROP TABLE session_6;
DROP TABLE smdp_notification_6;
DROP TABLE announcement_6;
DROP TABLE smds_event_6;
DROP TABLE smds_session_6;
DROP TABLE sealing_6;
