//! ES9+.CancelSession: SGP.23 4.3.16.2.1 and .2.

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    CancelSessionReason, CancelSessionResponse, CancelSessionResponseOk, EuiccCancelSessionSigned,
};
use rsp_asn1::{Asn1, Extensions, Oid, Signed};
use serde_json::{Value, json};

use super::bench::{Bench, Order};
use super::euicc::Euicc;
use super::http::base64;
use crate::conform::case::{Case, Check, case, some};

pub(super) const CASES: &[Case<Bench>] = &[
    case(
        "4.3.16.2.1-01",
        "each reason, after AuthenticateClient",
        |b| reasons(b, false),
    ),
    case("4.3.16.2.1-02", "each reason, after the package", |b| {
        reasons(b, true)
    }),
    case("4.3.16.2.2-01", "transactionId is unknown", unknown),
    case(
        "4.3.16.2.2-02",
        "transactionId signed is another",
        other_transaction,
    ),
    case("4.3.16.2.2-03", "the signature is wrong", signature),
    case("4.3.16.2.2-04", "smdpOid is another", other_oid),
];

/// An eUICC in a session, with the OID of the SM-DP+.
struct Session {
    euicc: Euicc,
    id: TransactionId,
    oid: Oid,
}

fn session(bench: &mut Bench, delivered: bool) -> Check<Session> {
    let euicc = bench.euicc()?;
    let ordered = bench.order(&Order::default())?;
    let started = bench.started(&euicc)?;
    let oid = registered_id(started.certificate.as_bytes())?;
    let offered = bench.offered(&euicc, Some(&ordered.matching_id))?;
    if delivered {
        bench.opened(&euicc, &offered)?;
    }
    Ok(Session {
        euicc,
        id: offered.signed.transaction_id.clone(),
        oid,
    })
}

/// The registeredID ('88') of subjectAltName (2.5.29.17).
pub(super) fn registered_id(certificate: &[u8]) -> Check<Oid> {
    let at = certificate
        .windows(5)
        .position(|at| at == [0x06, 0x03, 0x55, 0x1D, 0x11]);
    let rest = at
        .and_then(|at| certificate.get(at + 5..))
        .unwrap_or_default();
    let tag = rest.iter().take(16).position(|octet| *octet == 0x88);
    let found = tag.and_then(|at| {
        let length = usize::from(*rest.get(at + 1)?);
        rest.get(at + 2..at + 2 + length)
    });
    Ok(Oid::from_bytes(some(
        "the registeredID of CERT.DPauth",
        found,
    )?)?)
}

/// CancelSession over these members.
fn cancel(
    euicc: &Euicc,
    outer: &TransactionId,
    inner: &TransactionId,
    oid: &Oid,
    reason: i64,
) -> Check<Value> {
    let signed = Signed::new(EuiccCancelSessionSigned {
        transaction_id: inner.clone(),
        smdp_oid: oid.clone(),
        reason: CancelSessionReason(reason),
        extensions: Extensions::default(),
    });
    let response = CancelSessionResponse::Ok(CancelSessionResponseOk {
        euicc_cancel_session_signature: euicc.sign(&signed)?,
        euicc_cancel_session_signed: signed,
        extensions: Extensions::default(),
    });
    Ok(json!({
        "transactionId": outer.to_string(),
        "cancelSessionResponse": base64(&response.to_der()),
    }))
}

pub(super) fn reasons(bench: &mut Bench, delivered: bool) -> Check {
    for reason in [0, 1, 2, 3, 4, 5, 127] {
        let Session { euicc, id, oid } = session(bench, delivered)?;
        let body = cancel(&euicc, &id, &id, &oid, reason)?;
        bench.es9plus("cancelSession", &body)?.ok("cancelSession")?;
    }
    Ok(())
}

pub(super) fn unknown(bench: &mut Bench) -> Check {
    let Session { euicc, oid, .. } = session(bench, false)?;
    let other = TransactionId::from_bytes(&[9; 8])?;
    let body = cancel(&euicc, &other, &other, &oid, 0)?;
    bench
        .es9plus("cancelSession", &body)?
        .refused_with("cancelSession", "8.10.1/3.9")
}

fn other_transaction(bench: &mut Bench) -> Check {
    let Session { euicc, id, oid } = session(bench, false)?;
    let other = TransactionId::from_bytes(&[9; 8])?;
    let body = cancel(&euicc, &id, &other, &oid, 0)?;
    bench
        .es9plus("cancelSession", &body)?
        .refused_with("cancelSession", "8.10.1/3.9")
}

fn signature(bench: &mut Bench) -> Check {
    let Session { id, oid, .. } = session(bench, false)?;
    let stranger = bench.euicc()?;
    let body = cancel(&stranger, &id, &id, &oid, 0)?;
    bench
        .es9plus("cancelSession", &body)?
        .refused_with("cancelSession", "8.1/6.1")
}

fn other_oid(bench: &mut Bench) -> Check {
    let Session { euicc, id, .. } = session(bench, false)?;
    let oid: Oid = "2.999.4711".parse()?;
    let body = cancel(&euicc, &id, &id, &oid, 0)?;
    bench
        .es9plus("cancelSession", &body)?
        .refused_with("cancelSession", "8.8/3.10")
}
