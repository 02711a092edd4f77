//! Keys and certificates of an SM-DP+: one set under each CI, and which of
//! them a session uses (SGP.22 2.6.8, 5.6.1).

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::Oid;
use rsp_asn1::rsp::SubjectKeyIdentifier;
use rsp_crypto::Provider;

use super::{Policy, Smdp};
use crate::authentication::{NotOneServer, Set, of_one_server};
use crate::pki::{ChainError, ParsedCertificate, Side, TrustAnchor, policy, verify_under};
use crate::{Identity, Timestamp};

/// CERT.DPauth and CERT.DPpb under one CI, with their keys.
#[derive(Debug)]
pub struct DpIdentity {
    /// CERT.DPauth.ECDSA and its key.
    pub auth: Identity,
    /// CERT.DPpb.ECDSA and its key.
    pub pb: Identity,
}

/// A set that was verified.
#[derive(Debug)]
pub(super) struct CiIdentity {
    pub(super) auth: Identity,
    pub(super) pb: Identity,
    /// Key identifier of the CI above both.
    pub(super) ci: SubjectKeyIdentifier,
    oid: Oid,
}

/// Why keys and certificates make no SM-DP+.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A certificate is not what its role needs.
    #[error("{0}")]
    Chain(#[from] ChainError),
    /// The certificates name different SM-DP+s, or none.
    #[error("all CERT.DPauth and CERT.DPpb must have the same registeredID in subjectAltName")]
    Oid,
    /// A private key is not that of its certificate.
    #[error("the key of {0} is not the one in the certificate")]
    Key(&'static str),
    /// CERT.DPauth and CERT.DPpb are under different CIs.
    #[error("CERT.DPauth and CERT.DPpb must be under the same CI")]
    Ci,
    /// No set at all, or two sets under one CI.
    #[error("an SM-DP+ needs one CERT.DPauth and CERT.DPpb under each of its CIs")]
    Sets,
}

impl From<NotOneServer> for SetupError {
    fn from(why: NotOneServer) -> Self {
        match why {
            NotOneServer::Oid => SetupError::Oid,
            NotOneServer::Sets => SetupError::Sets,
        }
    }
}

impl Smdp {
    /// An SM-DP+ that is reached at `address`, with a set of certificates under
    /// each CI that it serves.
    ///
    /// # Errors
    /// If a certificate is not valid `now` for its role under one of the
    /// anchors, a key is not that of its certificate, or the certificates are
    /// not those of one SM-DP+, in one set per CI.
    pub fn new(
        address: String,
        identities: Vec<DpIdentity>,
        anchors: Vec<TrustAnchor>,
        now: Timestamp,
        crypto: &dyn Provider,
    ) -> Result<Self, SetupError> {
        let verified: Result<Vec<CiIdentity>, SetupError> = identities
            .into_iter()
            .map(|set| set.verify(&anchors, now, crypto))
            .collect();
        let identities = verified?;
        let oid = of_one_server(&identities)?;
        Ok(Smdp {
            address,
            identities,
            anchors,
            oid,
            policy: Policy::default(),
        })
    }

    /// The set under a CI.
    pub(super) fn identity(&self, ci: &SubjectKeyIdentifier) -> Option<&CiIdentity> {
        self.identities.iter().find(|set| set.ci == *ci)
    }
}

impl Set for CiIdentity {
    fn ci(&self) -> &SubjectKeyIdentifier {
        &self.ci
    }

    fn auth(&self) -> &Identity {
        &self.auth
    }

    fn oid(&self) -> &Oid {
        &self.oid
    }
}

impl DpIdentity {
    fn verify(
        self,
        anchors: &[TrustAnchor],
        now: Timestamp,
        crypto: &dyn Provider,
    ) -> Result<CiIdentity, SetupError> {
        let verify = |identity: &Identity, role: &str, name| {
            let read = verify_under(&identity.certificate, role, anchors, now, crypto)?;
            match read.public_key == *identity.key.public_key() {
                true => Ok::<ParsedCertificate, SetupError>(read),
                false => Err(SetupError::Key(name)),
            }
        };
        let auth = verify(&self.auth, policy::DP_AUTH, "CERT.DPauth")?;
        let pb = verify(&self.pb, policy::DP_PB, "CERT.DPpb")?;
        let oid = auth.registered_id.ok_or(SetupError::Oid)?;
        if pb.registered_id.as_ref() != Some(&oid) {
            return Err(SetupError::Oid);
        }
        if pb.authority_key_identifier != auth.authority_key_identifier {
            return Err(SetupError::Ci);
        }
        let ci = auth
            .authority_key_identifier
            .ok_or(ChainError::UnknownIssuer { side: Side::Leaf })?;
        Ok(CiIdentity {
            auth: self.auth,
            pb: self.pb,
            ci,
            oid,
        })
    }
}
