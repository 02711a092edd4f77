//! Keys of an eUICC under other CIs than the one it signs under for this eIM:
//! an installation result is signed under the CI that the SM-DP+ chose
//! (SGP.22 5.7.13), and carries no certificates.

use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::SubjectKeyIdentifier;
use rsp_asn1::sgp32::GetEimPackageResponse;
use rsp_crypto::PublicKey;
use serde::{Deserialize, Serialize};

use super::{Eim, EuiccRecord, Operation, OperationKind, OperationState};

/// What an eUICC has under a further CI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FurtherKey {
    /// SubjectKeyIdentifier of the CI.
    pub ci: SubjectKeyIdentifier,
    /// PK.EUICC.ECDSA as SubjectPublicKeyInfo, of a verified chain; `None` if
    /// the eUICC has none.
    pub public_key: Option<Vec<u8>>,
}

impl Eim {
    /// The CI under which the eUICC is still to be asked for its certificates,
    /// before it downloads from whatever SM-DP+.
    pub(super) fn ci_to_ask_about(
        &self,
        record: &EuiccRecord,
        kind: &OperationKind,
    ) -> Option<&SubjectKeyIdentifier> {
        // A device that emulates shows the certificates that it has seen, no others.
        if !kind.downloads() || record.emulated || self.lab.accepts_unverified(record.eid) {
            return None;
        }
        self.further_ci(record)
    }

    /// The CI that certificates are asked for: that of this eIM first.
    pub(super) fn next_ci(&self, record: &EuiccRecord) -> Option<SubjectKeyIdentifier> {
        match (&record.public_key, self.further_ci(record)) {
            (Some(_), Some(ci)) => Some(ci.clone()),
            _ => super::ci_key_identifier(self),
        }
    }

    /// The first CI besides that of this eIM of which nothing is known.
    fn further_ci(&self, record: &EuiccRecord) -> Option<&SubjectKeyIdentifier> {
        let known = |ci: &SubjectKeyIdentifier| record.further_keys.iter().any(|key| key.ci == *ci);
        let further = self.anchors.iter().skip(1);
        further
            .map(|anchor| &anchor.key_identifier)
            .find(|ci| !known(ci))
    }

    /// The further CI that a request for certificates named, if it did.
    pub(super) fn asked_about(&self, operation: &Operation) -> Option<SubjectKeyIdentifier> {
        let OperationState::Delivered { package, .. } = &operation.state else {
            return None;
        };
        let Ok(GetEimPackageResponse::IpaEuiccDataRequest(request)) =
            GetEimPackageResponse::from_der(package)
        else {
            return None;
        };
        let ci = request.euicc_ci_pk_identifier_to_be_used;
        ci.filter(|ci| Some(ci) != super::ci_key_identifier(self).as_ref())
    }
}

impl EuiccRecord {
    /// The keys whose chains were verified.
    pub(super) fn verification_keys(&self) -> Vec<PublicKey> {
        let further = self.further_keys.iter();
        let further = further.filter_map(|key| key.public_key.as_ref());
        let keys = self.public_key.iter().chain(further);
        keys.filter_map(|key| PublicKey::from_spki_der(key).ok())
            .collect()
    }
}
