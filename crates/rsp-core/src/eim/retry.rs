//! What may be tried again after it failed, by the code with which it did: one table.

use alloc::string::String;
use core::fmt::Display;
use core::time::Duration;

use rsp_asn1::NamedInteger;
use serde::{Deserialize, Serialize};

use super::{Operation, OperationState};
use crate::Timestamp;

/// How often something is sent at most that fails for now.
pub const MOST_TRIES: u32 = 6;

/// Until it is sent again; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(60);

/// Whether something that failed may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RetryClass {
    /// It was refused for now: the same may succeed later.
    Again,
    /// Something has to be changed first.
    AfterChange,
    /// The same can never succeed.
    Never,
}

impl RetryClass {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            RetryClass::Again => "again",
            RetryClass::AfterChange => "after_change",
            RetryClass::Never => "never",
        }
    }
}

const WAIT: &str = "wait: the eIM tries again by itself where nothing of it was done";
const LOOK: &str = "list the profiles of the eUICC, and order what still is to be done";
const MEMORY: &str = "delete a profile that is not needed, or choose a smaller one";
const POLICY: &str =
    "look at the policy rules of the enabled profile; its operator can change them";
const EIMS: &str = "list the eIMs of the eUICC and look at what the configuration says";
const PACKAGE: &str = "tell the operator whose profile it is: the eUICC cannot take its package";
const REPORT: &str = "tell the maker of the device or the eUICC: it does not take what is standard";

/// Each code that an eUICC or an IPA fails with, by its name in the module; the same
/// name means the same in each type (SGP.32 2.11.2.1, 2.11.1.2, 2.11.2.2, 2.11.2.3, 5.14.6;
/// SGP.22 5.7.6, 5.7.15).
const TABLE: &[(&str, RetryClass, &str)] = &[
    // SGP.32 2.11.2.1: in the middle of a proactive session, of an emergency call.
    ("catBusy", RetryClass::Again, WAIT),
    ("ecallActive", RetryClass::Again, WAIT),
    // SGP.22 5.7.15: a profile is being changed.
    ("profileChangeOngoing", RetryClass::Again, WAIT),
    // SGP.32 2.11.2.1: the eIM finds out what was done, and counts on.
    ("replayError", RetryClass::Again, WAIT),
    // SGP.32 2.11.2.1.
    ("iccidOrAidNotFound", RetryClass::AfterChange, LOOK),
    ("profileNotInDisabledState", RetryClass::AfterChange, LOOK),
    ("profileNotInEnabledState", RetryClass::AfterChange, LOOK),
    ("rollbackNotAvailable", RetryClass::AfterChange, LOOK),
    ("returnFallbackProfile", RetryClass::AfterChange, LOOK),
    ("fallbackNotAllowed", RetryClass::AfterChange, LOOK),
    ("fallbackProfileEnabled", RetryClass::AfterChange, LOOK),
    ("noFallbackAttribute", RetryClass::AfterChange, LOOK),
    ("interruption", RetryClass::AfterChange, LOOK),
    ("disallowedByPolicy", RetryClass::AfterChange, POLICY),
    ("insufficientMemory", RetryClass::AfterChange, MEMORY),
    ("eimNotFound", RetryClass::AfterChange, EIMS),
    ("ciPkUnknown", RetryClass::AfterChange, EIMS),
    ("associatedEimAlreadyExists", RetryClass::AfterChange, EIMS),
    ("invalidAssociationToken", RetryClass::AfterChange, EIMS),
    ("counterValueOutOfRange", RetryClass::AfterChange, EIMS),
    (
        "invalidEid",
        RetryClass::AfterChange,
        "see which eUICC the device has: its EID is another",
    ),
    (
        "sizeOverflow",
        RetryClass::AfterChange,
        "order less at once: the eUICC takes no package of this size",
    ),
    (
        "resultSizeOverflow",
        RetryClass::AfterChange,
        "ask for less: the eUICC gives no result of this size",
    ),
    ("unknownOrDamagedCommand", RetryClass::Never, REPORT),
    ("commandError", RetryClass::Never, REPORT),
    ("undefinedError", RetryClass::AfterChange, LOOK),
    // SGP.32 2.11.1.2, 5.14.6.
    (
        "incorrectTagList",
        RetryClass::AfterChange,
        "ask for other data: the IPA does not know all of these tags",
    ),
    ("euiccCiPkIdNotFound", RetryClass::AfterChange, EIMS),
    ("invalidPackageFormat", RetryClass::Never, REPORT),
    ("unknownPackage", RetryClass::Never, REPORT),
    // SGP.22 5.7.6 (ErrorReason) and 5.7.15.
    ("incorrectInputValues", RetryClass::Never, PACKAGE),
    ("invalidSignature", RetryClass::Never, PACKAGE),
    ("invalidTransactionId", RetryClass::Never, PACKAGE),
    ("unsupportedCrtValues", RetryClass::Never, PACKAGE),
    ("unsupportedRemoteOperationType", RetryClass::Never, PACKAGE),
    ("unsupportedProfileClass", RetryClass::Never, PACKAGE),
    ("scp03tStructureError", RetryClass::Never, PACKAGE),
    ("scp03tSecurityError", RetryClass::Never, PACKAGE),
    (
        "installFailedDueToPeProcessingError",
        RetryClass::Never,
        PACKAGE,
    ),
    ("installFailedDueToDataMismatch", RetryClass::Never, PACKAGE),
    (
        "testProfileInstallFailedDueToInvalidNaaKey",
        RetryClass::Never,
        PACKAGE,
    ),
    (
        "installFailedDueToIccidAlreadyExistsOnEuicc",
        RetryClass::AfterChange,
        LOOK,
    ),
    (
        "installFailedDueToInsufficientMemoryForProfile",
        RetryClass::AfterChange,
        MEMORY,
    ),
    (
        "installFailedDueToInterruption",
        RetryClass::AfterChange,
        "order the download anew: a pool has its code again, once the SM-DP+ took it back",
    ),
    ("pprNotAllowed", RetryClass::AfterChange, POLICY),
    (
        "installFailedDueToInsufficientMinimumSecurityLevel",
        RetryClass::AfterChange,
        PACKAGE,
    ),
    (
        "installFailedDueToServerAddressAbsentInEuiccAllowList",
        RetryClass::AfterChange,
        "order it at an SM-DP+ that the eUICC allows",
    ),
    (
        "installFailedDueToUnknownError",
        RetryClass::AfterChange,
        LOOK,
    ),
];

/// Whether what failed with the code of this name may be tried again, and what is to
/// be done; `None` for a name that is none.
pub fn retry(name: &str) -> Option<(RetryClass, &'static str)> {
    let found = TABLE.iter().find(|(known, ..)| *known == name);
    found.map(|(_, class, remedy)| (*class, *remedy))
}

/// The code with which an operation failed last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Its name in the module.
    pub code: String,
    /// How often it was sent.
    pub times: u32,
    /// When it is sent again, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Timestamp>,
}

/// A failure as the eUICC or the IPA says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// For people.
    pub(super) text: String,
    /// The name of its code, if it is one of the module.
    name: Option<String>,
}

impl Failure {
    pub(super) fn of<C: NamedInteger + Display>(code: C) -> Self {
        Failure {
            text: alloc::format!("{code}"),
            name: code.module_name(),
        }
    }

    /// Said otherwise.
    pub(super) fn said(self, text: String) -> Self {
        Failure { text, ..self }
    }

    /// Without a code.
    pub(super) fn text(text: &str) -> Self {
        Failure {
            text: text.into(),
            name: None,
        }
    }
}

impl Operation {
    /// It failed with a code.
    #[must_use]
    pub(super) fn failed_by(&self, failure: Failure) -> Self {
        Operation {
            tried: failure.name.map(|code| Tried {
                code,
                times: self.times_tried() + 1,
                again: None,
            }),
            ..self.failed(failure.text)
        }
    }

    /// A verified result says that nothing of it was done, and why. If that is so for
    /// now alone it waits again, a number of times; a question that the eIM asks for
    /// its own sake ends, and who needs it waits.
    #[must_use]
    pub(super) fn not_done(&self, failure: Failure, now: Timestamp) -> Self {
        let times = self.times_tried() + 1;
        let class = failure.name.as_deref().and_then(retry);
        let for_now = class.is_some_and(|(class, _)| class == RetryClass::Again);
        match failure.name {
            Some(code) if for_now && times < MOST_TRIES && !self.is_a_question() => Operation {
                tried: Some(Tried {
                    code,
                    times,
                    again: Some(now.after(FIRST_PAUSE * 2_u32.saturating_pow(times - 1))),
                }),
                ..self.queued_again()
            },
            name => self.failed_by(Failure { name, ..failure }),
        }
    }

    /// What failed for now, as the failure of what waited for it.
    pub(super) fn failed_for_now(&self) -> Option<Failure> {
        let tried = self.tried.as_ref()?;
        let (class, _) = retry(&tried.code)?;
        (class == RetryClass::Again).then(|| Failure {
            text: self.state.reason().unwrap_or(&tried.code).into(),
            name: Some(tried.code.clone()),
        })
    }

    /// Whether it waits until something that was so for now is over.
    pub(super) fn pauses(&self, now: Timestamp) -> bool {
        let again = self.tried.as_ref().and_then(|tried| tried.again);
        self.state == OperationState::Queued && again.is_some_and(|again| now < again)
    }

    fn times_tried(&self) -> u32 {
        self.tried.as_ref().map_or(0, |tried| tried.times)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::string::ToString;

    use rsp_asn1::rsp::{ErrorReason, ProfileInfoListError, SetDefaultDpAddressResult};
    use rsp_asn1::sgp32::{
        AddEimResultCode, ConfigureImmediateEnableResult, DeleteEimResult, DeleteProfileResult,
        DisableProfileResult, EimPackageResultErrorCode, EnableProfileResult,
        EuiccPackageErrorCode, EuiccPackageUnsignedErrorCode, IpaEuiccDataErrorCode, ListEimError,
        ProcessingTerminated, ProfileDownloadErrorReason, RollbackProfileResult,
        SetFallbackAttributeResult, UnsetFallbackAttributeResult, UpdateEimResult,
    };

    use super::*;
    use crate::eim::{OperationId, OperationKind};

    fn names<C: NamedInteger>() -> impl Iterator<Item = String> {
        C::NAMED.iter().filter_map(|code| code.module_name())
    }

    fn all() -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        all.extend(names::<AddEimResultCode>());
        all.extend(names::<ConfigureImmediateEnableResult>());
        all.extend(names::<DeleteEimResult>());
        all.extend(names::<DeleteProfileResult>());
        all.extend(names::<DisableProfileResult>());
        all.extend(names::<EimPackageResultErrorCode>());
        all.extend(names::<EnableProfileResult>());
        all.extend(names::<ErrorReason>());
        all.extend(names::<EuiccPackageErrorCode>());
        all.extend(names::<EuiccPackageUnsignedErrorCode>());
        all.extend(names::<IpaEuiccDataErrorCode>());
        all.extend(names::<ListEimError>());
        all.extend(names::<ProcessingTerminated>());
        all.extend(names::<ProfileDownloadErrorReason>());
        all.extend(names::<ProfileInfoListError>());
        all.extend(names::<RollbackProfileResult>());
        all.extend(names::<SetDefaultDpAddressResult>());
        all.extend(names::<SetFallbackAttributeResult>());
        all.extend(names::<UnsetFallbackAttributeResult>());
        all.extend(names::<UpdateEimResult>());
        // Successes.
        all.remove("ok");
        all.remove("lastEimDeleted");
        all
    }

    #[test]
    fn each_code_has_one_class_and_each_class_a_remedy() {
        let known: BTreeSet<String> = TABLE.iter().map(|(name, ..)| name.to_string()).collect();
        assert_eq!(known.len(), TABLE.len(), "a name stands there twice");
        assert_eq!(known, all());
        assert!(TABLE.iter().all(|(_, _, remedy)| !remedy.is_empty()));
    }

    #[test]
    fn what_fails_for_now_is_tried_again_ever_more_seldom_and_then_fails() {
        let id = OperationId("a".to_string());
        let eid = "89049032000000000000000000000163".parse().unwrap();
        let mut operation = Operation::queued(id, eid, OperationKind::GetRat, Timestamp(0));
        let mut pauses = alloc::vec::Vec::new();
        for _ in 1..MOST_TRIES {
            let now = Timestamp(1_000_000);
            operation = operation.not_done(Failure::of(EnableProfileResult::CAT_BUSY), now);
            assert_eq!(operation.state_name(), "queued");
            assert!(operation.pauses(now));
            let again = operation.tried.as_ref().unwrap().again.unwrap();
            assert!(!operation.pauses(again));
            pauses.push(again.since(now).as_secs() / 60);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16]);
        let busy = Failure::of(EnableProfileResult::CAT_BUSY);
        let failed = operation.not_done(busy, Timestamp(0));
        assert_eq!(failed.state_name(), "failed");
        assert_eq!(failed.state.reason(), Some("catBusy(5)"));
        let wrong = Failure::of(EnableProfileResult::DISALLOWED_BY_POLICY);
        assert_eq!(
            operation.not_done(wrong, Timestamp(0)).state_name(),
            "failed"
        );
    }
}
