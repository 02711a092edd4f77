//! What eUICCs signed, and what of it SM-DP+ are still to be told.

use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::{Evidence, EvidenceKind, OperationId};

use super::db::{Db, values};
use crate::contract::{Due, Forwarding, Outgoing, StoreError, StoredEvidence};

/// Unverified objects that are kept of one eUICC, the latest ones: whoever
/// knows an EID could send more of them.
const UNVERIFIED: usize = 64;

const KINDS: [EvidenceKind; 3] = [
    EvidenceKind::PackageResult,
    EvidenceKind::InstallationResult,
    EvidenceKind::Notification,
];

/// Keeps an object; the same one again is kept already.
pub(super) fn add(
    tx: &Db<'_>,
    eid: Eid,
    evidence: &Evidence,
    now: Timestamp,
) -> Result<(), StoreError> {
    let operation = evidence.operation.as_ref().map(|id| &id.0);
    let added: Option<(i64,)> = tx.first(
        "INSERT INTO evidence
             (tenant, eid, number, kind, operation, seq_number, verified, received, digest, der)
         VALUES (?1, ?2, (SELECT coalesce(max(number), 0) + 1 FROM evidence
                          WHERE tenant = ?1 AND eid = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (tenant, eid, digest) DO NOTHING RETURNING number",
        values![
            eid,
            evidence.kind.name(),
            operation.cloned(),
            evidence.seq_number,
            evidence.verified,
            now,
            evidence.digest,
            evidence.der
        ],
    )?;
    let Some((number,)) = added else {
        return Ok(());
    };
    if let Some(address) = &evidence.forward_to {
        tx.execute(
            "INSERT INTO outbox (tenant, eid, number, address, state, attempts, due, detail)
             VALUES (?1, ?2, ?3, ?4, 'waiting', 0, ?5, '')",
            values![eid, number, address, now],
        )?;
    }
    match evidence.verified {
        true => Ok(()),
        false => forget_oldest_unverified(tx, eid),
    }
}

fn forget_oldest_unverified(tx: &Db<'_>, eid: Eid) -> Result<(), StoreError> {
    let newest_of_them = "SELECT number FROM evidence
        WHERE tenant = ?1 AND eid = ?2 AND verified = 0 ORDER BY number DESC LIMIT 1 OFFSET ?3";
    let surplus: Option<(i64,)> = tx.first(newest_of_them, values![eid, UNVERIFIED])?;
    let Some((surplus,)) = surplus else {
        return Ok(());
    };
    tx.execute(
        "DELETE FROM outbox WHERE tenant = ?1 AND eid = ?2 AND number IN
             (SELECT number FROM evidence
              WHERE tenant = ?1 AND eid = ?2 AND verified = 0 AND number <= ?3)",
        values![eid, surplus],
    )?;
    tx.execute(
        "DELETE FROM evidence WHERE tenant = ?1 AND eid = ?2 AND verified = 0 AND number <= ?3",
        values![eid, surplus],
    )?;
    Ok(())
}

pub(super) fn evidence(db: &Db<'_>, eid: Eid) -> Result<Vec<StoredEvidence>, StoreError> {
    type Row = (
        i64,
        String,
        Option<String>,
        Option<i64>,
        bool,
        Timestamp,
        Vec<u8>,
    );
    let mut all = Vec::new();
    db.each(
        "SELECT number, kind, operation, seq_number, verified, received, der
         FROM evidence WHERE tenant = ?1 AND eid = ?2 ORDER BY number",
        values![eid],
        |(number, name, operation, seq_number, verified, received, der): Row| {
            // One of a kind that is not known to this version is its business.
            let kind = KINDS.into_iter().find(|kind| kind.name() == name);
            all.extend(kind.map(|kind| StoredEvidence {
                number,
                kind,
                operation: operation.map(OperationId),
                seq_number,
                verified,
                received,
                der,
            }));
            Ok(())
        },
    )?;
    Ok(all)
}

/// Takes what is due: until `due.again` it is nobody else's.
pub(super) fn take_due(tx: &Db<'_>, due: &Due) -> Result<Vec<Outgoing>, StoreError> {
    let lock = tx.connection.skip_locked();
    let rows: Vec<(String, i64)> = tx.all(
        &format!(
            "SELECT eid, number FROM outbox
             WHERE tenant = ?1 AND state = 'waiting' AND due <= ?2 ORDER BY due LIMIT ?3{lock}"
        ),
        values![due.now, due.limit],
    )?;
    let mut all = Vec::new();
    for (eid, number) in rows {
        if due.again > due.now {
            tx.execute(
                "UPDATE outbox SET due = ?4 WHERE tenant = ?1 AND eid = ?2 AND number = ?3",
                values![eid, number, due.again],
            )?;
        }
        let outgoing: Option<(String, Vec<u8>, u32)> = tx.first(
            "SELECT address, der, attempts FROM outbox
                 JOIN evidence ON evidence.tenant = outbox.tenant
                     AND evidence.eid = outbox.eid AND evidence.number = outbox.number
             WHERE outbox.tenant = ?1 AND outbox.eid = ?2 AND outbox.number = ?3",
            values![eid, number],
        )?;
        // Only whole EIDs are put in.
        if let (Some((address, der, attempts)), Ok(eid)) = (outgoing, eid.parse()) {
            all.push(Outgoing {
                number,
                eid,
                address,
                der,
                attempts,
            });
        }
    }
    Ok(all)
}

/// What has come to its end stays there, whoever else tried it too.
pub(super) fn put(
    tx: &Db<'_>,
    outgoing: &Outgoing,
    forwarding: Forwarding,
    detail: &str,
) -> Result<(), StoreError> {
    let due = match forwarding {
        Forwarding::Waiting(due) => due,
        Forwarding::Delivered | Forwarding::Refused => Timestamp(0),
    };
    let (eid, number) = (outgoing.eid, outgoing.number);
    let changed = tx.execute(
        "UPDATE outbox SET state = ?4, due = ?5, detail = ?6, attempts = attempts + 1
         WHERE tenant = ?1 AND eid = ?2 AND number = ?3 AND state = 'waiting'",
        values![eid, number, forwarding.name(), due, detail],
    )?;
    if changed == 1 {
        return Ok(());
    }
    let settled = "SELECT state FROM outbox WHERE tenant = ?1 AND eid = ?2 AND number = ?3";
    match tx.first::<(String,)>(settled, values![eid, number])? {
        Some(_) => Ok(()),
        None => Err(StoreError::Unknown("a notification with this number")),
    }
}

pub(super) fn count(db: &Db<'_>, state: &str) -> Result<u64, StoreError> {
    let count = "SELECT count(*) FROM outbox WHERE tenant = ?1 AND state = ?2";
    let count: Option<(u64,)> = db.first(count, values![state])?;
    Ok(count.map_or(0, |(count,)| count))
}
