//! The operator: orders profiles and has things done, some of which cannot be.

use rsp_asn1::ids::{Iccid, Imsi};
use rsp_core::Timestamp;
use rsp_core::eim::{Operation, OperationId, OperationKind};
use rsp_core::profile::Subscription;
use rsp_crypto::Rng;
use store::StoreError;

use super::backend::Backend;
use super::subject::Subject;
use crate::orders;
use crate::world::{SMDP, WorldError};

/// Profiles that are ordered for one device at most.
const PROFILES: usize = 4;

/// A subscription with a number that no other has.
pub(super) fn subscription(
    device: usize,
    number: usize,
    rng: &mut dyn Rng,
) -> Result<Subscription, WorldError> {
    let number = device * 100 + number;
    let iccid: Iccid = format!("8999970000{number:09}0").parse()?;
    let imsi: Imsi = format!("99970{number:010}").parse()?;
    let (mut ki, mut opc) = ([0; 16], [0; 16]);
    rng.fill(&mut ki);
    rng.fill(&mut opc);
    Ok(Subscription::new(iccid, imsi, ki, opc))
}

/// Queues what comes to the operator's mind, or takes something back.
pub(super) fn act(
    subject: &mut Subject,
    backend: &mut Backend,
    template: &[u8],
    now: Timestamp,
) -> Result<(), WorldError> {
    let some = (1 + subject.dice.below(4)).min(subject.left);
    for _ in 0..some {
        subject.left -= 1;
        let kind = think(subject, backend, template, now)?;
        let id = OperationId(format!("{:05}-{:05}", subject.number, subject.queued));
        subject.queued += 1;
        let expects = match &kind {
            OperationKind::Download { activation_code } => good_for(subject, activation_code),
            _ => None,
        };
        let operation = Operation {
            expects,
            ..Operation::queued(id.clone(), subject.eid, kind, now)
        };
        match backend.eim.add_operation(&operation) {
            // It could lose the eUICC: the operator thinks of something else.
            Err(StoreError::Unsafe(_)) => continue,
            added => added?,
        }
        if subject.dice.below(40) == 0 {
            backend.eim.cancel(&id, now)?;
        }
    }
    Ok(())
}

/// The profile that a code is good for.
pub(super) fn good_for(subject: &Subject, code: &str) -> Option<Iccid> {
    let mut codes = subject.codes.iter();
    codes.find_map(|(known, iccid)| (known == code).then_some(*iccid))
}

fn think(
    subject: &mut Subject,
    backend: &mut Backend,
    template: &[u8],
    now: Timestamp,
) -> Result<OperationKind, WorldError> {
    Ok(match subject.dice.below(100) {
        0..14 => OperationKind::Download {
            activation_code: code(subject, backend, template, now)?,
        },
        14..68 => OperationKind::Enable {
            rollback: subject.dice.below(3) == 0,
            iccid: profile(subject)?,
        },
        68..84 => OperationKind::Delete {
            iccid: profile(subject)?,
        },
        _ => OperationKind::ListProfileInfo,
    })
}

/// A code: a new one, one that is spent, or one that never was.
fn code(
    subject: &mut Subject,
    backend: &mut Backend,
    template: &[u8],
    now: Timestamp,
) -> Result<String, WorldError> {
    let chance = subject.dice.below(10);
    if chance == 0 {
        return Ok(format!("LPA:1${SMDP}$NEVER-{}", subject.queued));
    }
    if subject.codes.len() >= PROFILES || (chance < 3 && !subject.codes.is_empty()) {
        let spent = subject.dice.one_of(&subject.codes);
        return Ok(spent.map(|(code, _)| code.clone()).unwrap_or_default());
    }
    let number = 1 + subject.codes.len();
    let subscription = subscription(subject.number, number, subject.dice.rng())?;
    let (_, smdp, mut cx) = backend.context(now);
    let code = orders::order(smdp, template, &subscription, &mut cx)?;
    subject.codes.push((code.clone(), subscription.iccid));
    Ok(code)
}

/// A profile: one of the device's, or one that nobody has.
fn profile(subject: &mut Subject) -> Result<Iccid, WorldError> {
    let mut all = vec![subject.bootstrap];
    all.extend(subject.codes.iter().map(|(_, iccid)| *iccid));
    if subject.dice.below(12) == 0 {
        return Ok("89999900000000000000".parse()?);
    }
    Ok(subject
        .dice
        .one_of(&all)
        .copied()
        .unwrap_or(subject.bootstrap))
}
