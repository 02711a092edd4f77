//! What must not be done: an eUICC without a profile that works or without an
//! eIM is lost to whoever is not beside it. An operation that could leave one
//! so is refused when it is ordered and, by what is known then, again before
//! it is sent.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::EimConfigurationData;

use super::package::read_configuration;
use super::{Eim, EuiccRecord, ListedProfile, Operation, OperationKind, OperationState};

/// Why an operation is not done unless somebody insists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsafe {
    /// Disabling the profile that is enabled leaves none.
    #[error(
        "disabling a profile leaves the device without an enabled one: enable another, which disables it"
    )]
    NoProfileEnabled,
    /// The profile is the one that connects the device.
    #[error("profile {0} is enabled: enable another first")]
    Enabled(Iccid),
    /// The device could not go back.
    #[error("profile {0} is the one that the device returns to if the new one does not connect it")]
    RollbackTarget(Iccid),
    /// The device could not fall back.
    #[error("profile {0} has the Fallback Attribute: give it to another first")]
    Fallback(Iccid),
    /// No other is left.
    #[error("profile {0} is the only one")]
    Only(Iccid),
    /// The eUICC would forget this eIM.
    #[error(
        "{0} is this eIM: the eUICC would not be managed any more from here. Have the other eIM delete it"
    )]
    OwnEim(String),
    /// The eUICC would know this eIM wrongly.
    #[error("{eim} is this eIM, and its {what} would not be the one that it has")]
    OwnEimChanged {
        /// This eIM.
        eim: String,
        /// What would be another.
        what: &'static str,
    },
}

/// What is known of the profiles, and what operations would make of it.
#[derive(Debug)]
pub(super) struct Picture {
    profiles: Option<Vec<ListedProfile>>,
    /// Whether nothing can have changed since.
    certain: bool,
    rollback_to: Option<Iccid>,
}

/// Whether an operation may be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Safe,
    /// Not without a new list of profiles.
    Unknown,
    Unsafe(Unsafe),
}

impl Picture {
    /// As the record has it.
    pub(super) fn of(record: &EuiccRecord, open: &[Operation]) -> Self {
        let unknown = |operation: &Operation| {
            matches!(operation.state, OperationState::OutcomeUnknown { .. })
                && operation.kind.changes_profiles()
        };
        let list = record.profiles.as_ref();
        Picture {
            profiles: list.map(|list| list.profiles.clone()),
            certain: list.is_some_and(|list| !list.stale) && !open.iter().any(unknown),
            rollback_to: None,
        }
    }

    /// What an operation will have changed, if it succeeds.
    fn apply(&mut self, kind: &OperationKind) {
        if let OperationKind::Enable { rollback: true, .. } = kind {
            let enabled = self.profiles.iter().flatten().find(|p| p.enabled);
            self.rollback_to = enabled.and_then(|profile| profile.iccid);
        }
        if let Some(profiles) = &mut self.profiles {
            apply(profiles, kind);
        }
    }

    fn judge_delete(&self, iccid: Iccid) -> Verdict {
        if self.rollback_to == Some(iccid) {
            return Verdict::Unsafe(Unsafe::RollbackTarget(iccid));
        }
        let Some(profiles) = &self.profiles else {
            return Verdict::Unknown;
        };
        let Some(profile) = profiles.iter().find(|p| p.iccid == Some(iccid)) else {
            // The eUICC says so.
            return self.safe();
        };
        if profile.enabled {
            return Verdict::Unsafe(Unsafe::Enabled(iccid));
        }
        if profile.fallback {
            return Verdict::Unsafe(Unsafe::Fallback(iccid));
        }
        match profiles.len() {
            1 => Verdict::Unsafe(Unsafe::Only(iccid)),
            _ => self.safe(),
        }
    }

    fn safe(&self) -> Verdict {
        match self.certain {
            true => Verdict::Safe,
            false => Verdict::Unknown,
        }
    }
}

/// The profiles after an operation that succeeded.
pub(super) fn apply(profiles: &mut Vec<ListedProfile>, kind: &OperationKind) {
    let is = |profile: &ListedProfile, iccid: &Iccid| profile.iccid.as_ref() == Some(iccid);
    match kind {
        OperationKind::Enable { iccid, .. } => {
            for profile in profiles {
                profile.enabled = is(profile, iccid);
            }
        }
        OperationKind::Disable { iccid } => {
            for profile in profiles.iter_mut().filter(|p| is(p, iccid)) {
                profile.enabled = false;
            }
        }
        OperationKind::Delete { iccid } => profiles.retain(|profile| !is(profile, iccid)),
        OperationKind::SetFallbackAttribute { iccid } => {
            for profile in profiles {
                profile.fallback = is(profile, iccid);
            }
        }
        OperationKind::UnsetFallbackAttribute => {
            for profile in profiles {
                profile.fallback = false;
            }
        }
        _ => {}
    }
}

impl Eim {
    /// Whether operations may be ordered, behind those that are open: what is
    /// known says that they would lose the eUICC, or does not. What is not
    /// known is found out before they are sent.
    ///
    /// # Errors
    /// The first that is refused.
    pub fn check_order(
        &self,
        record: &EuiccRecord,
        open: &[Operation],
        new: &[Operation],
    ) -> Result<(), Unsafe> {
        let mut picture = Picture::of(record, open);
        let waiting = |operation: &&Operation| {
            matches!(
                operation.state,
                OperationState::Queued | OperationState::Delivered { .. }
            )
        };
        for operation in open.iter().filter(waiting) {
            picture.apply(&operation.kind);
            picture.rollback_to = None;
        }
        for operation in new {
            if !operation.is_ordered_with(new.first().unwrap_or(operation)) {
                picture.rollback_to = None;
            }
            if let Verdict::Unsafe(reason) = self.judge(record, &picture, operation) {
                return Err(reason);
            }
            picture.apply(&operation.kind);
        }
        Ok(())
    }

    /// Whether operations may be sent in one package; with the first that may
    /// not.
    pub(super) fn check_package<'a>(
        &self,
        record: &EuiccRecord,
        open: &[Operation],
        package: &[&'a Operation],
    ) -> Option<(&'a Operation, Verdict)> {
        let mut picture = Picture::of(record, open);
        for operation in package {
            match self.judge(record, &picture, operation) {
                Verdict::Safe => picture.apply(&operation.kind),
                verdict => return Some((operation, verdict)),
            }
        }
        None
    }

    /// One operation. A test bench gets what it ordered.
    fn judge(&self, record: &EuiccRecord, picture: &Picture, operation: &Operation) -> Verdict {
        if operation.forced || self.lab.accepts_unverified(record.eid) {
            return Verdict::Safe;
        }
        match &operation.kind {
            // One is enabled at most: what succeeds leaves none.
            OperationKind::Disable { .. } => Verdict::Unsafe(Unsafe::NoProfileEnabled),
            OperationKind::Delete { iccid } => picture.judge_delete(*iccid),
            OperationKind::DeleteEim { eim_id } if *eim_id == self.eim_id => {
                Verdict::Unsafe(Unsafe::OwnEim(eim_id.to_string()))
            }
            OperationKind::UpdateEim { configuration } => match self.differs(configuration) {
                Some(what) => Verdict::Unsafe(Unsafe::OwnEimChanged {
                    eim: self.eim_id.to_string(),
                    what,
                }),
                None => Verdict::Safe,
            },
            _ => Verdict::Safe,
        }
    }

    /// What an update would make other than this eIM is, if it is one of it.
    fn differs(&self, configuration: &[u8]) -> Option<&'static str> {
        let update = read_configuration(configuration, false).ok()?;
        if update.eim_id != self.eim_id {
            return None;
        }
        let Ok(own) = self.configuration_data(0) else {
            return Some("key");
        };
        let EimConfigurationData {
            eim_fqdn,
            eim_public_key_data,
            trusted_public_key_data_tls,
            eim_supported_protocol,
            counter_value,
            euicc_ci_pk_id,
            ..
        } = update;
        let same_key = eim_public_key_data.is_none_or(|key| {
            let own = own.eim_public_key_data.as_ref();
            own.is_some_and(|own| own.to_der() == key.to_der())
        });
        let same_trust = trusted_public_key_data_tls.is_none_or(|trust| {
            let own = own.trusted_public_key_data_tls.as_ref();
            own.is_some_and(|own| own.to_der() == trust.to_der())
        });
        [
            (same_key, "key"),
            (same_trust, "TLS trust anchor"),
            (eim_fqdn.is_none() || eim_fqdn == own.eim_fqdn, "FQDN"),
            (
                eim_supported_protocol.is_none()
                    || eim_supported_protocol == own.eim_supported_protocol,
                "list of protocols",
            ),
            (counter_value.is_none(), "counterValue"),
            (
                euicc_ci_pk_id.is_none() || euicc_ci_pk_id == own.euicc_ci_pk_id,
                "CI",
            ),
        ]
        .into_iter()
        .find_map(|(same, what)| (!same).then_some(what))
    }
}
