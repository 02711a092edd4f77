//! Requests with a key: [`Claimed`] is the rule.

use std::sync::Arc;

use rsp_core::Timestamp;
use rsp_crypto::Rng;
use serde::{Deserialize, Serialize};

use super::super::db::{Db, values};
use crate::claim::{Claim, RequestKey};
use crate::contract::StoreError;
use crate::door_contract::{
    ANSWERS_KEPT, CLAIM_HELD, Claimed, KeptAnswer, MOST_ANSWERED, MOST_ANSWERS,
};
use crate::engine::EngineError;

/// Where documents are sealed for.
const TABLE: &str = "request_key";

/// Octets of a digest, with which a document begins.
const DIGEST: usize = 32;

/// What stands before the octets of an answer, on a line of its own.
#[derive(Serialize, Deserialize)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

/// As `crates/store/src/sql/reseal.rs` names it.
fn row(key: &RequestKey) -> String {
    format!("{} {}", key.principal, key.name)
}

pub(super) fn claim(
    tx: &Db<'_>,
    key: &RequestKey,
    request: &[u8; 32],
    now: Timestamp,
) -> Result<Claimed, StoreError> {
    let claim = Claim::new(key.clone(), holder(tx));
    let held = now.after(CLAIM_HELD);
    let asked = tx.seal_bytes(TABLE, &row(key), request)?;
    let insert = "INSERT INTO request_key
             (tenant, principal, name, state, holder, until, since, document)
         VALUES (?1, ?2, ?3, 'claimed', ?4, ?5, ?6, ?7)
         ON CONFLICT (tenant, principal, name) DO NOTHING";
    let new = values![key.principal, key.name, claim.holder, held, now, asked];
    if tx.execute(insert, new)? == 1 {
        return Ok(Claimed::New(Arc::new(claim)));
    }
    let select = "SELECT state, until, since, document FROM request_key
         WHERE tenant = ?1 AND principal = ?2 AND name = ?3";
    let found = tx.first(select, values![key.principal, key.name])?;
    let (state, until, since, document): (String, Timestamp, Timestamp, Vec<u8>) =
        found.ok_or(StoreError::Conflict)?;
    if since.after(ANSWERS_KEPT) > now {
        let document = tx.unseal_bytes(TABLE, &row(key), &document)?;
        let (before, answer) = read(&document)?;
        match (state.as_str(), answer) {
            _ if before != request => return Ok(Claimed::Otherwise),
            (_, Some(answer)) => return Ok(Claimed::Answered(answer)),
            _ if until > now => return Ok(Claimed::Running),
            ("claimed", None) => {}
            _ => return Ok(Claimed::Lost),
        }
    }
    let update = "UPDATE request_key SET state = 'claimed', holder = ?4, until = ?5, since = ?6,
             document = ?7
         WHERE tenant = ?1 AND principal = ?2 AND name = ?3";
    let anew = values![key.principal, key.name, claim.holder, held, now, asked];
    tx.execute(update, anew)?;
    Ok(Claimed::New(Arc::new(claim)))
}

/// A number that no other claim has.
fn holder(tx: &Db<'_>) -> i64 {
    let mut octets = [0; 8];
    tx.sealing.rng().fill(&mut octets);
    i64::from_be_bytes(octets)
}

/// The digest, and the answer if there is one.
fn read(document: &[u8]) -> Result<(&[u8], Option<KeptAnswer>), StoreError> {
    let (digest, answer) = document
        .split_at_checked(DIGEST)
        .ok_or(EngineError::Column(3))?;
    if answer.is_empty() {
        return Ok((digest, None));
    }
    let end = answer.iter().position(|octet| *octet == b'\n');
    let (head, body) = answer.split_at(end.unwrap_or(answer.len()));
    let Head { status, headers } = serde_json::from_slice(head)?;
    let body = body.get(1..).unwrap_or_default().to_vec();
    let answer = KeptAnswer {
        status,
        headers,
        body,
    };
    Ok((digest, Some(answer)))
}

/// Changes the row of a claim that is still held: `set` is from `?5` on.
fn change(tx: &Db<'_>, claim: &Claim, set: &str, with: &[u8]) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE request_key SET {set}
         WHERE tenant = ?1 AND principal = ?2 AND name = ?3 AND holder = ?4"
    );
    let Claim { key, holder, .. } = claim;
    let mut values = values![key.principal, key.name, holder];
    if !with.is_empty() {
        values.push(crate::engine::Value::Octets(with));
    }
    match tx.execute(&sql, values)? {
        1 => Ok(()),
        _ => Err(StoreError::TakenOver),
    }
}

/// Something of the request is done in this transaction, whosever rows that changes.
pub(in crate::sql) fn begun(tx: &Db<'_>, claim: &Claim) -> Result<(), StoreError> {
    let tenant = &claim.key.tenant;
    change(&Db { tenant, ..*tx }, claim, "state = 'begun'", &[])
}

pub(super) fn hold(tx: &Db<'_>, claim: &Claim, now: Timestamp) -> Result<(), StoreError> {
    let until = now.after(CLAIM_HELD).0;
    change(tx, claim, &format!("until = {until}"), &[])
}

pub(super) fn keep(
    tx: &Db<'_>,
    claim: &Claim,
    request: &[u8; 32],
    answer: &KeptAnswer,
) -> Result<(), StoreError> {
    let head = serde_json::to_vec(&Head {
        status: answer.status,
        headers: answer.headers.clone(),
    })?;
    let document = [request, head.as_slice(), b"\n", &answer.body].concat();
    let document = tx.seal_bytes(TABLE, &row(&claim.key), &document)?;
    change(tx, claim, "state = 'answered', document = ?5", &document)
}

pub(super) fn give_up(tx: &Db<'_>, claim: &Claim) -> Result<(), StoreError> {
    let Claim { key, holder, .. } = claim;
    let own = "tenant = ?1 AND principal = ?2 AND name = ?3 AND holder = ?4";
    for sql in [
        format!("DELETE FROM request_key WHERE {own} AND state = 'claimed'"),
        format!("UPDATE request_key SET until = 0 WHERE {own} AND state = 'begun'"),
    ] {
        tx.execute(&sql, values![key.principal, key.name, holder])?;
    }
    Ok(())
}

pub(super) fn forget(tx: &Db<'_>, now: Timestamp) -> Result<(), StoreError> {
    let delete = "DELETE FROM request_key WHERE tenant = ?1 AND since <= ?2";
    tx.execute(delete, values![now.before(ANSWERS_KEPT)])?;
    let all = "SELECT count(*), coalesce(sum(length(document)), 0) FROM request_key
         WHERE tenant = ?1";
    let (count, octets): (u64, u64) = tx.first(all, values![])?.unwrap_or_default();
    if count <= MOST_ANSWERS && octets <= MOST_ANSWERED {
        return Ok(());
    }
    // From the newest on as many as may stay; what is under way stays in any case.
    let (mut left, mut room) = (MOST_ANSWERS, MOST_ANSWERED);
    let mut oldest = None;
    let newest = "SELECT since, length(document) FROM request_key
         WHERE tenant = ?1 ORDER BY since DESC";
    tx.each(newest, values![], |(since, octets): (Timestamp, u64)| {
        let fits = oldest.is_none() && left > 0 && octets <= room;
        match fits {
            true => (left, room) = (left - 1, room - octets),
            false => oldest = oldest.or(Some(since)),
        }
        Ok(())
    })?;
    let delete = "DELETE FROM request_key
         WHERE tenant = ?1 AND since <= ?2 AND (state = 'answered' OR until <= ?3)";
    tx.execute(delete, values![oldest, now])?;
    Ok(())
}
