//! eIM (SGP.32): what is to be done on each eUICC, and what its signature
//! proves was done.
//!
//! One file per procedure. The state of one eUICC is an [`EuiccRecord`]; what
//! is to be done on it are [`Operation`]s in order. A step takes both and a
//! message, and gives what changed and the reply; the caller stores the one
//! before it sends the other. Only a verified result changes an operation.

mod configuration;
mod download_result;
mod estimate;
mod evidence;
mod facts;
mod further_keys;
mod get_eim_package;
mod guard;
mod handle_notification;
mod ipa_euicc_data;
mod ipa_features;
mod kind;
mod note;
mod operation;
mod outcome;
mod package;
mod package_result;
mod profiles;
mod provide_eim_package_result;
mod quirks;
pub mod relay;
mod restored;
mod result_items;
mod retry;
mod traffic;
pub mod transfer;
mod validity;
mod verified;
mod zero_touch;

use alloc::vec::Vec;

use rsp_asn1::Certificate;
use rsp_asn1::ids::{Eid, Iccid};
use rsp_asn1::rsp::SubjectKeyIdentifier;
use rsp_asn1::sgp32::EimId;
use serde::{Deserialize, Serialize};

use crate::pki::TrustAnchor;
use crate::{Identity, Timestamp};

pub use estimate::{Assumed, Estimate, NotKnown};
pub use evidence::{Evidence, EvidenceKind};
pub use facts::{EuiccFacts, SeenNetwork};
pub use further_keys::FurtherKey;
pub use get_eim_package::{
    eid_not_found as poll_eid_not_found, has_work, nothing_pending as poll_nothing_pending,
};
pub use guard::Unsafe;
pub use handle_notification::Taken;
pub use ipa_features::IpaFeatures;
pub use kind::{
    EuiccDataQuery, ImmediateEnable, OperationKind, ProfileQuery, ProfileSearch, TagListError,
};
pub use note::Note;
pub use operation::{
    CodeRef, ConfirmationCode, Operation, OperationId, OperationState, Poll, SettledIn,
};
pub use outcome::{EuiccData, ListedEim, ListedProfile, Outcome, RatRule};
pub use package::{ConfigurationError, PackageRule, PackageRules, read_configuration};
pub use profiles::ProfileList;
pub use provide_eim_package_result::{
    eid_not_found as result_eid_not_found, missing_eid as result_missing_eid,
    named_by as result_named_by,
};
pub use quirks::{IpaBuild, Quirk};
pub use restored::{Restored, raise, raised};
pub use retry::{MOST_TRIES, RetryClass, Tried, retry};
pub use traffic::{About, Carried, Exchange, Leg, Traffic};
pub use validity::Validity;
pub use verified::{Unproven, Verified};
pub use zero_touch::{ManifestEntry, ProfileSource, ZeroTouch, ZeroTouchRule, ZeroTouchStage};

/// An eIM: its name and keys.
#[derive(Debug)]
pub struct Eim {
    /// Its identifier.
    pub eim_id: EimId,
    /// Where IPAs reach it; may carry a port.
    pub fqdn: alloc::string::String,
    /// Certificate and key that sign eUICC Packages.
    pub signing: Identity,
    /// Certificate that TLS clients trust: that of the server or of its CA.
    pub tls_trust: Certificate,
    /// What carries ESipa to it.
    pub transports: Vec<crate::binding::Transport>,
    /// The CIs under which eUICCs are accepted.
    pub anchors: Vec<TrustAnchor>,
    /// How it relays downloads.
    pub relay: relay::RelaySettings,
    /// What a test bench needs and nobody else may have.
    pub lab: LabSettings,
}

/// Settings for test benches whose eUICCs do not really sign. By default
/// nothing is weaker than the standard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabSettings {
    /// eUICCs whose results are taken although they cannot be verified. Their
    /// operations and evidence are marked as unverified.
    pub accept_unverified: Vec<Eid>,
}

impl LabSettings {
    /// Whether results of this eUICC need no proof.
    pub fn accepts_unverified(&self, eid: Eid) -> bool {
        self.accept_unverified.contains(&eid)
    }
}

/// The largest counterValue that every eUICC accepts (SGP.32 2.11.1.1).
pub const MAX_COUNTER_VALUE: i64 = 0x7F_FFFF;

/// What the eIM knows of one eUICC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EuiccRecord {
    /// The eUICC.
    pub eid: Eid,
    /// The token that its signatures and ours end with, if it made one.
    pub association_token: Option<i64>,
    /// The last counterValue that was ever sent to it.
    pub counter_value: i64,
    /// PK.EUICC.ECDSA as SubjectPublicKeyInfo, once its chain was verified.
    pub public_key: Option<Vec<u8>>,
    /// Its keys under other CIs than the first that the eIM trusts.
    #[serde(default)]
    pub further_keys: Vec<FurtherKey>,
    /// Highest sequence number of an installation result that was believed: an
    /// older one proves nothing new.
    #[serde(default)]
    pub installation_seq_number: i64,
    /// Whether its device expects an emptyResponse to its results: what was
    /// stored is then not acknowledged (SGP.32 5.14.6 leaves the choice).
    #[serde(default)]
    pub empty_response: bool,
    /// Whether its device answers for an eUICC that has no functions for an eIM:
    /// package results are then taken although nobody signed them. Somebody has
    /// to say so: by default they are not.
    #[serde(default)]
    pub emulated: bool,
    /// Profiles that downloads installed, as long as it lists them: another
    /// download did not do it again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub installed: Vec<Iccid>,
    /// Its profiles, as it signed the last list.
    #[serde(default)]
    pub profiles: Option<ProfileList>,
    /// Changes that its device reported without having been asked, the last
    /// ones (SGP.32 5.14.5).
    #[serde(default)]
    pub state_changes: Vec<StateChange>,
    /// What its IPA says of itself, the device and the eUICC, unsigned.
    #[serde(default)]
    pub facts: EuiccFacts,
    /// Networks that its device polled from, the last ones.
    #[serde(default)]
    pub networks: Vec<SeenNetwork>,
    /// When the eUICC signed that it has forgotten this eIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dissociated: Option<Timestamp>,
    /// If its factory announced it: the way to its operational profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_touch: Option<ZeroTouch>,
    /// Where its device listens, if it does: packages are brought there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener: Option<transfer::Listener>,
}

/// A `notifyStateChange` of an IPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// `stateChangeCause`, as its number.
    pub cause: i64,
    /// When it was reported.
    pub at: Timestamp,
}

impl EuiccRecord {
    /// An eUICC that was told of this eIM by AddInitialEim or addEim.
    pub fn new(eid: Eid, association_token: Option<i64>, counter_value: i64) -> Self {
        EuiccRecord {
            eid,
            association_token,
            counter_value,
            public_key: None,
            further_keys: Vec::new(),
            installation_seq_number: -1,
            empty_response: false,
            emulated: false,
            installed: Vec::new(),
            profiles: None,
            state_changes: Vec::new(),
            facts: EuiccFacts::default(),
            networks: Vec::new(),
            dissociated: None,
            zero_touch: None,
            listener: None,
        }
    }
}

/// What a message leads to. All of it is stored before the reply is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<R> {
    /// The record of the eUICC.
    pub record: EuiccRecord,
    /// Operations that changed or are new.
    pub operations: Vec<Operation>,
    /// Signed objects to keep. What is acknowledged is among them: the eUICC
    /// will forget it.
    pub evidence: Vec<Evidence>,
    /// What an operator should read in the log.
    pub notes: Vec<Note>,
    /// The reply.
    pub reply: R,
}

impl<R> Step<R> {
    /// The same step with another reply.
    fn map<T>(self, reply: impl FnOnce(R) -> T) -> Step<T> {
        Step {
            record: self.record,
            operations: self.operations,
            evidence: self.evidence,
            notes: self.notes,
            reply: reply(self.reply),
        }
    }

    /// Nothing changes.
    fn unchanged(record: EuiccRecord, reply: R) -> Self {
        Step {
            record,
            operations: Vec::new(),
            evidence: Vec::new(),
            notes: Vec::new(),
            reply,
        }
    }

    /// The operations that are in another state than before came into it now.
    fn at(mut self, before: &[Operation], now: Timestamp) -> Self {
        let explained = profiles::explained(&self.record, before, &self.operations);
        self.notes
            .extend(explained.iter().map(profiles::reconciled));
        self.operations.extend(explained);
        zero_touch::advance(&mut self, now);
        for operation in &mut self.operations {
            let same = |earlier: &Operation| {
                earlier.id == operation.id && earlier.state_name() == operation.state_name()
            };
            if !before.iter().any(same) {
                operation.since = now;
            }
        }
        self
    }
}

/// The CI that an eUICC shall sign under for this eIM.
fn ci_key_identifier(eim: &Eim) -> Option<SubjectKeyIdentifier> {
    eim.anchors.first().map(|ci| ci.key_identifier.clone())
}
