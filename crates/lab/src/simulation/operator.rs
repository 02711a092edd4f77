//! The operator: orders profiles and has things done, some of which cannot be.

use rsp_asn1::Asn1;
use rsp_asn1::ids::{Iccid, Imsi};
use rsp_asn1::sgp32::EimConfigurationData;
use rsp_core::Timestamp;
use rsp_core::eim::{
    ImmediateEnable, Operation, OperationId, OperationKind, PackageRules, Validity,
};
use rsp_core::profile::Subscription;
use rsp_crypto::Rng;
use store::StoreError;

use super::backend::Backend;
use super::subject::Subject;
use crate::orders;
use crate::world::{SMDP, WorldError};

/// An eIM that comes and goes.
const OTHER_EIM: &str = "other.example.com";

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
    let mut kinds = Vec::new();
    for _ in 0..some {
        subject.left -= 1;
        kinds.push(think(subject, backend, template, now)?);
    }
    // In one package, or each as it comes.
    let together = some > 1 && subject.dice.below(3) == 0 && PackageRules::check(&kinds).is_ok();
    let mut operations = Vec::new();
    for kind in kinds {
        let id = OperationId(format!("{:05}-{:05}", subject.number, subject.queued));
        subject.queued += 1;
        let expects = match &kind {
            OperationKind::Download { activation_code } => good_for(subject, activation_code),
            _ => None,
        };
        operations.push(Operation {
            expects,
            ..Operation::queued(id, subject.eid, kind, now)
        });
    }
    let validity = validity(subject, now);
    operations
        .iter_mut()
        .for_each(|new| new.validity = validity);
    let first = operations.first().map(|first| first.id.clone());
    for operation in operations.iter_mut().filter(|_| together) {
        operation.ordered_with = first.clone();
    }
    let orders = match together {
        true => operations.len(),
        false => 1,
    };
    for order in operations.chunks(orders.max(1)) {
        match backend.eim.add_operations(order) {
            // It could lose the eUICC: the operator thinks of something else.
            Err(StoreError::Unsafe(_)) => continue,
            added => added?,
        }
        let cancels = order.first().filter(|_| subject.dice.below(40) == 0);
        if let Some(first) = cancels {
            backend.eim.cancel(&first.id, now)?;
        }
    }
    Ok(())
}

/// For ever mostly, and otherwise not for long.
fn validity(subject: &mut Subject, now: Timestamp) -> Validity {
    let some = 1 + subject.dice.below(4);
    match subject.dice.below(10) {
        0 => Validity {
            contacts: Some(some as u32),
            ..Validity::default()
        },
        1 => Validity {
            until: Some(now.after(super::POLL_INTERVAL * some as u32)),
            ..Validity::default()
        },
        _ => Validity::default(),
    }
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
        14..54 => OperationKind::Enable {
            rollback: subject.dice.below(3) == 0,
            iccid: profile(subject)?,
        },
        54..68 => OperationKind::Delete {
            iccid: profile(subject)?,
        },
        68..71 => OperationKind::Disable {
            iccid: profile(subject)?,
        },
        71..76 => OperationKind::SetFallbackAttribute {
            iccid: match subject.dice.below(2) {
                0 => subject.bootstrap,
                _ => profile(subject)?,
            },
        },
        76..78 => OperationKind::UnsetFallbackAttribute,
        78..81 => OperationKind::ConfigureImmediateEnable(ImmediateEnable {
            enable: subject.dice.below(2) == 0,
            ..ImmediateEnable::default()
        }),
        81..83 => OperationKind::SetDefaultDpAddress {
            address: format!("smdp-{}.example.com", subject.queued),
        },
        83..86 => OperationKind::AddEim {
            configuration: other_eim(backend)?.to_der(),
        },
        86..89 => OperationKind::DeleteEim {
            eim_id: other_eim(backend)?.eim_id,
        },
        89..91 => OperationKind::ListEim,
        91..92 => OperationKind::GetRat,
        _ => OperationKind::ListProfileInfo,
    })
}

/// Another eIM, which no device can reach: it has no address.
fn other_eim(backend: &Backend) -> Result<EimConfigurationData, WorldError> {
    let mut other = backend.eim.eim().configuration_data(0)?;
    let id = OTHER_EIM.try_into();
    other.eim_id = id.map_err(|_| WorldError::Missing("name of another eIM"))?;
    (other.eim_fqdn, other.eim_id_type) = (None, None);
    Ok(other)
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
