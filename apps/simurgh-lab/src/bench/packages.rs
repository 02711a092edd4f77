//! Signed eUICC Packages per second, against the signatures in them.

use std::hint::black_box;

use rsp_asn1::sgp32::{GetEimPackageResponse, association_token_object};
use rsp_core::eim::{Eim, EuiccRecord, Operation, OperationId, OperationKind};
use rsp_core::pki::member;
use rsp_crypto::software::{SeededRng, SoftwareProvider};
use rsp_crypto::{Provider, Signature, SigningKey};

use super::measure::{compare, rate};
use super::polls::request as poll;
use super::report::Row;
use super::setting::{Randomness, Setting, context, now};
use crate::Failure;

const GOAL: f64 = 0.5;

/// An eUICC that made the eIM an association token.
const TOKEN: Option<i64> = Some(1);

/// In memory: a poll with an enable in the queue, up to the reply and the
/// state that a store would commit.
pub(super) fn measure(setting: &Setting, seconds: f64) -> Result<Row, Failure> {
    let eim = setting.eim()?;
    let key = &setting.member(member::EIM_SIGN)?.key;
    let (record, open) = queued(setting)?;
    let poll = poll(record.eid);
    let mut rng = setting.rng(Randomness::Eim);
    let message = signed_message(&eim, &record, &open, &mut rng, key)?;
    let parts: Vec<&[u8]> = message.iter().map(Vec::as_slice).collect();

    let [compared] = compare(
        seconds,
        |time| {
            let package = || {
                let step =
                    eim.get_eim_package(record.clone(), &open, &poll, &mut context(&mut rng));
                match black_box(step).reply {
                    GetEimPackageResponse::EuiccPackageRequest(_) => Ok(()),
                    other => Err(unexpected(&other)),
                }
            };
            Ok([rate(time, package)?])
        },
        |time| {
            let sign = || {
                black_box(key.sign(black_box(&parts))?);
                Ok(())
            };
            Ok([rate(time, sign)?])
        },
    )?;
    Ok(Row::ratio(
        "eIM: signed eUICC Packages (enable, in memory)",
        "signatures by the same key over the same octets",
        compared,
        GOAL,
    ))
}

/// An eUICC whose key is known, and an enable that waits for it.
fn queued(setting: &Setting) -> Result<(EuiccRecord, [Operation; 1]), Failure> {
    let eid = setting.factory.eid(1)?;
    let mut record = EuiccRecord::new(eid, TOKEN, 0);
    // Any key: the eIM asks for certificates first as long as it has none.
    let key = setting.member(member::EUM)?.key.public_key();
    record.public_key = Some(key.to_spki_der());
    let (order, _) = setting.released()?;
    let enable = OperationKind::Enable {
        iccid: order.iccid,
        rollback: false,
    };
    let id = OperationId("bench".to_string());
    Ok((record, [Operation::queued(id, eid, enable, now())]))
}

/// What is signed in such a package; fails unless its signature verifies.
fn signed_message(
    eim: &Eim,
    record: &EuiccRecord,
    open: &[Operation],
    rng: &mut SeededRng,
    key: &dyn SigningKey,
) -> Result<[Vec<u8>; 2], Failure> {
    let step = eim.get_eim_package(record.clone(), open, &poll(record.eid), &mut context(rng));
    let package = match step.reply {
        GetEimPackageResponse::EuiccPackageRequest(package) => package.into_value(),
        other => return Err(unexpected(&other)),
    };
    let message = [
        package.euicc_package_signed.as_bytes().to_vec(),
        association_token_object(TOKEN),
    ];
    let signature = Signature::from_slice(&package.eim_signature)?;
    let [signed, token] = &message;
    SoftwareProvider.verify(key.public_key(), &[signed, token], &signature)?;
    Ok(message)
}

fn unexpected(reply: &GetEimPackageResponse) -> Failure {
    format!("the eIM answered with no eUICC Package but {reply:?}").into()
}
