//! What takes an operation back that was sent already.

use rsp_asn1::ids::Iccid;
use rsp_core::eim::{EuiccRecord, Operation, OperationKind};

/// What an operator is offered who comes too late to take an operation back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compensation {
    /// An operation that undoes it.
    By(OperationKind),
    /// Nothing undoes it, for a reason that people read.
    Nothing(&'static str),
}

/// What undoes an operation, by what was known of the eUICC when it was sent.
pub fn compensation(operation: &Operation, record: &EuiccRecord) -> Compensation {
    use OperationKind as Kind;
    let profiles = record
        .profiles
        .as_ref()
        .map(|list| list.profiles.as_slice());
    let profiles = profiles.unwrap_or_default();
    let enabled = profiles.iter().find(|profile| profile.enabled);
    let enabled = enabled.and_then(|profile| profile.iccid);
    let fallback = profiles.iter().find(|profile| profile.fallback);
    let fallback = fallback.and_then(|profile| profile.iccid);
    let enable = |iccid: Iccid| {
        Compensation::By(Kind::Enable {
            iccid,
            rollback: true,
        })
    };
    match &operation.kind {
        Kind::Enable { iccid, .. } => match enabled.filter(|enabled| enabled != iccid) {
            Some(before) => enable(before),
            None => Compensation::Nothing("which profile was enabled before is not known"),
        },
        Kind::Disable { iccid } => enable(*iccid),
        kind if kind.downloads() => match operation.expects {
            Some(iccid) => Compensation::By(Kind::Delete { iccid }),
            None => Compensation::Nothing("delete the profile when it is known which one it is"),
        },
        Kind::Delete { .. } => {
            Compensation::Nothing("a deleted profile is gone: download another one")
        }
        Kind::SetFallbackAttribute { .. } => match fallback {
            Some(iccid) => Compensation::By(Kind::SetFallbackAttribute { iccid }),
            None => Compensation::By(Kind::UnsetFallbackAttribute),
        },
        Kind::UnsetFallbackAttribute => match fallback {
            Some(iccid) => Compensation::By(Kind::SetFallbackAttribute { iccid }),
            None => Compensation::Nothing("no profile had the attribute"),
        },
        Kind::ConfigureImmediateEnable(setting) => {
            let mut before = setting.clone();
            before.enable = !setting.enable;
            Compensation::By(Kind::ConfigureImmediateEnable(before))
        }
        _ => Compensation::Nothing("it changes no profile: let it come to its end"),
    }
}
