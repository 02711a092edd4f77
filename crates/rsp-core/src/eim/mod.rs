//! eIM (SGP.32): what is to be done on each eUICC, and what its signature
//! proves was done.
//!
//! One file per procedure. The state of one eUICC is an [`EuiccRecord`]; what
//! is to be done on it are [`Operation`]s in order. A step takes both and a
//! message, and gives what changed and the reply; the caller stores the one
//! before it sends the other. Only a verified result changes an operation.

mod configuration;
mod get_eim_package;
mod handle_notification;
mod operation;
mod provide_eim_package_result;
mod verified;

use alloc::vec::Vec;

use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::SubjectKeyIdentifier;
use rsp_asn1::sgp32::EimId;
use rsp_crypto::PublicKey;
use serde::{Deserialize, Serialize};

use crate::Identity;
use crate::pki::TrustAnchor;

pub use get_eim_package::{eid_not_found as poll_eid_not_found, first_possible};
pub use operation::{
    InvalidTransition, Operation, OperationId, OperationKind, OperationState, Outcome,
};
pub use provide_eim_package_result::eid_not_found as result_eid_not_found;
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
}

impl EuiccRecord {
    /// An eUICC that was told of this eIM by AddInitialEim or addEim.
    pub fn new(eid: Eid, association_token: Option<i64>, counter_value: i64) -> Self {
        EuiccRecord {
            eid,
            association_token,
            counter_value,
            public_key: None,
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
    pub notifications: Vec<Vec<u8>>,
    /// The reply.
    pub reply: R,
}

impl<R> Step<R> {
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
