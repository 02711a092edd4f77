//! eIM (SGP.32): what is to be done on each eUICC, and what its signature
//! proves was done.
//!
//! One file per procedure. The state of one eUICC is an [`EuiccRecord`]; what
//! is to be done on it are [`Operation`]s in order. A step takes both and a
//! message, and gives what changed and the reply; the caller stores the one
//! before it sends the other. Only a verified result changes an operation.

mod configuration;
mod download_result;
mod get_eim_package;
mod handle_notification;
mod ipa_euicc_data;
mod operation;
mod package_result;
mod provide_eim_package_result;
mod verified;

use alloc::vec::Vec;

use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::{PendingNotification, SubjectKeyIdentifier};
use rsp_asn1::sgp32::EimId;
use rsp_crypto::PublicKey;
use serde::{Deserialize, Serialize};

use crate::Identity;
use crate::pki::TrustAnchor;

pub use get_eim_package::{eid_not_found as poll_eid_not_found, first_possible};
pub use handle_notification::Taken;
pub use operation::{
    ListedProfile, Operation, OperationId, OperationKind, OperationState, Outcome,
};
pub use provide_eim_package_result::{
    eid_not_found as result_eid_not_found, missing_eid as result_missing_eid,
};
pub use verified::Verified;

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
    /// The CIs under which eUICCs are accepted.
    pub anchors: Vec<TrustAnchor>,
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
    /// Highest sequence number of an installation result that was believed: an
    /// older one proves nothing new.
    #[serde(default)]
    pub installation_seq_number: i64,
}

impl EuiccRecord {
    /// An eUICC that was told of this eIM by AddInitialEim or addEim.
    pub fn new(eid: Eid, association_token: Option<i64>, counter_value: i64) -> Self {
        EuiccRecord {
            eid,
            association_token,
            counter_value,
            public_key: None,
            installation_seq_number: -1,
        }
    }

    fn verification_key(&self) -> Option<PublicKey> {
        PublicKey::from_spki_der(self.public_key.as_ref()?).ok()
    }
}

/// What a message leads to. All of it is stored before the reply is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<R> {
    /// The record of the eUICC.
    pub record: EuiccRecord,
    /// Operations that changed or are new.
    pub operations: Vec<Operation>,
    /// Notifications to keep: they are acknowledged, so that the eUICC will
    /// forget them.
    pub notifications: Vec<KeptNotification>,
    /// The reply.
    pub reply: R,
}

/// A verified notification, as the eUICC made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptNotification {
    /// Its number on the eUICC.
    pub seq_number: i64,
    /// The signed object.
    pub der: Vec<u8>,
}

impl KeptNotification {
    fn of(notification: &PendingNotification) -> Self {
        KeptNotification {
            seq_number: notification.metadata().seq_number,
            der: notification.as_bytes().to_vec(),
        }
    }
}

impl<R> Step<R> {
    /// The same step with another reply.
    fn map<T>(self, reply: impl FnOnce(R) -> T) -> Step<T> {
        Step {
            record: self.record,
            operations: self.operations,
            notifications: self.notifications,
            reply: reply(self.reply),
        }
    }

    /// Nothing changes.
    fn unchanged(record: EuiccRecord, reply: R) -> Self {
        Step {
            record,
            operations: Vec::new(),
            notifications: Vec::new(),
            reply,
        }
    }
}

/// The CI that an eUICC shall sign under for this eIM.
fn ci_key_identifier(eim: &Eim) -> Option<SubjectKeyIdentifier> {
    eim.anchors.first().map(|ci| ci.key_identifier.clone())
}
