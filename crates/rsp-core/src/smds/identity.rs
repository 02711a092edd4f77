//! Keys and certificates of an SM-DS: one set under each CI.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::Oid;
use rsp_asn1::rsp::SubjectKeyIdentifier;
use rsp_crypto::Provider;

use super::Smds;
use crate::authentication::{NotOneServer, Set, of_one_server};
use crate::pki::{ChainError, Side, TrustAnchor, policy, verify_under};
use crate::{Identity, Timestamp};

/// CERT.DSauth under one CI, with its key, verified.
#[derive(Debug)]
pub(super) struct CiIdentity {
    auth: Identity,
    ci: SubjectKeyIdentifier,
    oid: Oid,
}

/// Why keys and certificates make no SM-DS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A certificate is not what its role needs.
    #[error("{0}")]
    Chain(#[from] ChainError),
    /// The certificates name different SM-DSs, or none.
    #[error("all CERT.DSauth must have the same registeredID in subjectAltName")]
    Oid,
    /// A private key is not that of its certificate.
    #[error("the key of CERT.DSauth is not the one in the certificate")]
    Key,
    /// No certificate at all, or two under one CI.
    #[error("an SM-DS needs one CERT.DSauth under each of its CIs")]
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

impl Smds {
    /// An SM-DS that is reached at `address`, with a CERT.DSauth under each CI
    /// that it serves. It is a root SM-DS; see [`Smds::with_root`].
    ///
    /// # Errors
    /// If a certificate is not valid `now` for its role under one of the
    /// anchors, a key is not that of its certificate, or the certificates are
    /// not those of one SM-DS, one per CI.
    pub fn new(
        address: String,
        identities: Vec<Identity>,
        anchors: Vec<TrustAnchor>,
        now: Timestamp,
        crypto: &dyn Provider,
    ) -> Result<Self, SetupError> {
        let verify = |identity: Identity| verify(identity, &anchors, now, crypto);
        let identities: Result<Vec<CiIdentity>, SetupError> =
            identities.into_iter().map(verify).collect();
        let identities = identities?;
        let oid = of_one_server(&identities)?;
        Ok(Smds {
            address,
            identities,
            anchors,
            oid,
            root: None,
        })
    }
}

fn verify(
    auth: Identity,
    anchors: &[TrustAnchor],
    now: Timestamp,
    crypto: &dyn Provider,
) -> Result<CiIdentity, SetupError> {
    let read = verify_under(&auth.certificate, policy::DS_AUTH, anchors, now, crypto)?;
    if read.public_key != *auth.key.public_key() {
        return Err(SetupError::Key);
    }
    let issuer = read.authority_key_identifier;
    Ok(CiIdentity {
        auth,
        ci: issuer.ok_or(ChainError::UnknownIssuer { side: Side::Leaf })?,
        oid: read.registered_id.ok_or(SetupError::Oid)?,
    })
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
