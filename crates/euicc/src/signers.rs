//! The keys with which the card signs: one for each CI that its own chains
//! lead to (SGP.22 2.4.2).

use alloc::sync::Arc;
use alloc::vec::Vec;

use rsp_asn1::Certificate;
use rsp_asn1::rsp::SubjectKeyIdentifier;
use rsp_crypto::{Curve, SigningKey};

use crate::apdu::Status;
use crate::certificate;
use crate::personalisation::{KeySet, Personalisation};

/// All of them, in the order of euiccCiPKIdListForSigning.
pub(crate) struct Signers {
    first: Signer,
    others: Vec<Signer>,
}

/// SK.EUICC.ECDSA with its chain.
pub(crate) struct Signer {
    /// Identifier of the CI key to which the chain leads.
    pub(crate) ci: SubjectKeyIdentifier,
    pub(crate) euicc_certificate: Certificate,
    pub(crate) eum_certificate: Certificate,
    key: Arc<dyn SigningKey>,
}

impl Signers {
    pub(crate) fn new(ecasd: &Personalisation) -> Signers {
        let others = ecasd.further_key_sets.iter();
        Signers {
            first: Signer::new(&ecasd.key_set, ecasd),
            others: others.map(|set| Signer::new(set, ecasd)).collect(),
        }
    }

    /// The one that is used where nobody chooses.
    pub(crate) fn first(&self) -> &Signer {
        &self.first
    }

    /// The one under a CI; servers may name it by the first octets of its
    /// identifier (SGP.32 5.14.1).
    pub(crate) fn under(&self, ci: &[u8]) -> Option<&Signer> {
        let named = |signer: &&Signer| !ci.is_empty() && signer.ci.starts_with(ci);
        self.all().find(named)
    }

    /// The one under a CI that was chosen earlier, or the first.
    pub(crate) fn chosen(&self, ci: Option<&SubjectKeyIdentifier>) -> &Signer {
        ci.and_then(|ci| self.under(ci)).unwrap_or(&self.first)
    }

    /// euiccCiPKIdListForSigning.
    pub(crate) fn identifiers(&self) -> Vec<SubjectKeyIdentifier> {
        self.all().map(|signer| signer.ci.clone()).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Signer> {
        core::iter::once(&self.first).chain(&self.others)
    }
}

impl Signer {
    /// Without a readable issuer of CERT.EUM it counts as under the first CI
    /// key, and servers will refuse the card.
    fn new(set: &KeySet, ecasd: &Personalisation) -> Signer {
        let ci = certificate::issuer_key_identifier(&set.eum_certificate)
            .or_else(|| Some(ecasd.ci.first()?.subject_key_identifier.clone()));
        Signer {
            ci: ci.unwrap_or_default(),
            euicc_certificate: set.euicc_certificate.clone(),
            eum_certificate: set.eum_certificate.clone(),
            key: set.euicc_key.clone(),
        }
    }

    pub(crate) fn curve(&self) -> Curve {
        self.key.public_key().curve()
    }

    /// SK.EUICC.ECDSA over the concatenation of the parts: r || s.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Result<Vec<u8>, Status> {
        let signature = self.key.sign(parts);
        let signature = signature.map_err(|_| Status::NO_PRECISE_DIAGNOSIS)?;
        Ok(signature.as_bytes().to_vec())
    }
}
