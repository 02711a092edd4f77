//! What eUICCs signed, and what of it SM-DP+ are still to be told.

use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::{Evidence, EvidenceKind, OperationId};
use rusqlite::{Row, params};

use super::one_row;
use super::sealing::Db;
use crate::contract::{Forwarding, Outgoing, StoreError, StoredEvidence};

/// Unverified objects that are kept of one eUICC, the latest ones: whoever
/// knows an EID could send more of them.
const UNVERIFIED: i64 = 64;

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
    let eid = eid.to_string();
    let added = tx
        .prepare_cached(
            "INSERT INTO evidence
                 (eid, kind, operation, seq_number, verified, received, digest, der)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (eid, digest) DO NOTHING",
        )?
        .execute(params![
            eid,
            evidence.kind.name(),
            evidence.operation.as_ref().map(|id| &id.0),
            evidence.seq_number,
            evidence.verified,
            now.0 as i64,
            evidence.digest.as_slice(),
            evidence.der
        ])?;
    if added == 0 {
        return Ok(());
    }
    if let Some(address) = &evidence.forward_to {
        tx.prepare_cached(
            "INSERT INTO outbox (evidence, address, state, attempts, due, detail)
             VALUES ($1, $2, 'waiting', 0, $3, '')",
        )?
        .execute(params![tx.last_insert_rowid(), address, now.0 as i64])?;
    }
    match evidence.verified {
        true => Ok(()),
        false => forget_oldest_unverified(tx, &eid),
    }
}

fn forget_oldest_unverified(tx: &Db<'_>, eid: &str) -> Result<(), StoreError> {
    let surplus = "SELECT number FROM evidence WHERE eid = $1 AND verified = 0
                   ORDER BY number DESC LIMIT -1 OFFSET $2";
    for table in ["outbox WHERE evidence", "evidence WHERE number"] {
        tx.prepare_cached(&format!("DELETE FROM {table} IN ({surplus})"))?
            .execute(params![eid, UNVERIFIED])?;
    }
    Ok(())
}

pub(super) fn evidence(connection: &Db<'_>, eid: Eid) -> Result<Vec<StoredEvidence>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT number, kind, operation, seq_number, verified, received, der
         FROM evidence WHERE eid = $1 ORDER BY number",
    )?;
    let rows = statement.query_map([eid.to_string()], read_evidence)?;
    let mut all = Vec::new();
    for row in rows {
        all.extend(row?);
    }
    Ok(all)
}

/// `None` if the kind is not known to this version.
fn read_evidence(row: &Row<'_>) -> rusqlite::Result<Option<StoredEvidence>> {
    let name: String = row.get(1)?;
    let kind = KINDS.into_iter().find(|kind| kind.name() == name);
    let Some(kind) = kind else {
        return Ok(None);
    };
    Ok(Some(StoredEvidence {
        number: row.get(0)?,
        kind,
        operation: row.get::<_, Option<String>>(2)?.map(OperationId),
        seq_number: row.get(3)?,
        verified: row.get(4)?,
        received: Timestamp(row.get::<_, i64>(5)? as u64),
        der: row.get(6)?,
    }))
}

pub(super) fn due(
    connection: &Db<'_>,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Outgoing>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT outbox.evidence, evidence.eid, address, der, attempts
         FROM outbox JOIN evidence ON evidence.number = outbox.evidence
         WHERE state = 'waiting' AND due <= $1 ORDER BY due LIMIT $2",
    )?;
    let rows = statement.query_map(params![now.0 as i64, limit as i64], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, Vec<u8>>(3)?,
            row.get::<_, u32>(4)?,
        ))
    })?;
    let mut all = Vec::new();
    for row in rows {
        let (number, eid, address, der, attempts) = row?;
        // Only whole EIDs are put in.
        if let Ok(eid) = eid.parse() {
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

pub(super) fn put(
    tx: &Db<'_>,
    number: i64,
    forwarding: Forwarding,
    detail: &str,
) -> Result<(), StoreError> {
    let due = match forwarding {
        Forwarding::Waiting(due) => due.0 as i64,
        Forwarding::Delivered | Forwarding::Refused => 0,
    };
    let changed = tx
        .prepare_cached(
            "UPDATE outbox SET state = $1, due = $2, detail = $3, attempts = attempts + 1
             WHERE evidence = $4",
        )?
        .execute(params![forwarding.name(), due, detail, number])?;
    one_row(changed).map_err(|_| StoreError::Unknown("a notification with this number"))
}

pub(super) fn count(connection: &Db<'_>, state: &str) -> Result<u64, StoreError> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM outbox WHERE state = $1")?
        .query_row([state], |row| row.get(0))?;
    Ok(count as u64)
}
