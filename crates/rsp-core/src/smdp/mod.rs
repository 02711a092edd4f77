//! SM-DP+ (SGP.22): orders over ES2+, downloads over ES9+.
//!
//! One file per procedure. A [`Session`] is the state of one download between
//! two messages: one variant per awaited message, each with just what the next
//! step may use. The caller stores the session and the order that a step
//! gives, then sends its reply.

mod authenticate_client;
mod cancel_session;
mod get_bound_profile_package;
mod handle_notification;
mod initiate_authentication;
mod order;
mod refusal;

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::Oid;
use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_asn1::rsp::{StoreMetadataRequest, SubjectKeyIdentifier, VersionType};
use serde::{Deserialize, Serialize};

use crate::Identity;
use crate::pki::{ChainError, ParsedCertificate, Side, TrustAnchor};
use crate::profile::{MetadataOrder, MncLength, ProfileError, Subscription};

pub use authenticate_client::{AuthenticatedClient, OrderKey};
pub use handle_notification::Received;
pub use initiate_authentication::Started;
pub use order::{Order, OrderState};
pub use refusal::Refusal;

/// An SM-DP+: its name and keys.
#[derive(Debug)]
pub struct Smdp {
    address: String,
    auth: Identity,
    pb: Identity,
    anchors: Vec<TrustAnchor>,
    oid: Oid,
    ci_key_identifier: SubjectKeyIdentifier,
}

/// Lowest SGP.22 version that an eUICC must support.
const LOWEST_SVN: VersionType = [2, 0, 0];

/// Why keys and certificates make no SM-DP+.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A certificate is not what its role needs.
    #[error("{0}")]
    Chain(#[from] ChainError),
    /// CERT.DPauth and CERT.DPpb name different SM-DP+s, or none.
    #[error("CERT.DPauth and CERT.DPpb must have the same registeredID in subjectAltName")]
    Oid,
}

impl Smdp {
    /// An SM-DP+ that is reached at `address`.
    ///
    /// # Errors
    /// If the certificates are unreadable or are not those of one SM-DP+.
    pub fn new(
        address: String,
        auth: Identity,
        pb: Identity,
        anchors: Vec<TrustAnchor>,
    ) -> Result<Self, SetupError> {
        let read = |identity: &Identity| {
            ParsedCertificate::parse(&identity.certificate).map_err(|cause| ChainError::Malformed {
                side: Side::Leaf,
                cause,
            })
        };
        let (auth_read, pb_read) = (read(&auth)?, read(&pb)?);
        let oid = auth_read.registered_id.ok_or(SetupError::Oid)?;
        if pb_read.registered_id.as_ref() != Some(&oid) {
            return Err(SetupError::Oid);
        }
        let ci_key_identifier = auth_read
            .authority_key_identifier
            .ok_or(ChainError::UnknownIssuer { side: Side::Leaf })?;
        Ok(Smdp {
            address,
            auth,
            pb,
            anchors,
            oid,
            ci_key_identifier,
        })
    }

    /// Its address, as in activation codes.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// A profile in stock: what is delivered when its order is downloaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileMaterial {
    /// The subscription that makes it one of a kind.
    pub subscription: Subscription,
    /// The package that is personalised with it, a SAIP package.
    pub template: Vec<u8>,
    /// Shown on the device.
    pub service_provider_name: String,
    /// Shown on the device.
    pub profile_name: String,
    /// `ProfileClass`.
    pub profile_class: i64,
}

impl ProfileMaterial {
    /// The metadata, as in BF25.
    fn metadata(&self, smdp_address: &str) -> Result<StoreMetadataRequest, ProfileError> {
        crate::profile::metadata(&MetadataOrder {
            iccid: self.subscription.iccid,
            imsi: &self.subscription.imsi,
            mnc_length: MncLength::Two,
            service_provider_name: &self.service_provider_name,
            profile_name: &self.profile_name,
            smdp_address,
            profile_class: self.profile_class,
        })
    }
}

/// State of one download between two messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Session {
    /// ES9+.AuthenticateClient is awaited.
    AwaitAuthenticateClient(AwaitAuthenticateClient),
    /// ES9+.GetBoundProfilePackage is awaited.
    AwaitGetBoundProfilePackage(AwaitGetBoundProfilePackage),
    /// The ProfileInstallationResult is awaited.
    AwaitInstallationResult(AwaitInstallationResult),
    /// Nothing is awaited any more.
    Ended,
}

/// The server has sent its challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitAuthenticateClient {
    transaction_id: TransactionId,
    server_challenge: [u8; 16],
}

/// The eUICC is known and an order was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitGetBoundProfilePackage {
    transaction_id: TransactionId,
    eid: Eid,
    iccid: Iccid,
    /// PK.EUICC.ECDSA as SubjectPublicKeyInfo.
    euicc_key: Vec<u8>,
    smdp_signature2: Vec<u8>,
}

/// The package was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitInstallationResult {
    transaction_id: TransactionId,
    iccid: Iccid,
    /// PK.EUICC.ECDSA as SubjectPublicKeyInfo.
    euicc_key: Vec<u8>,
}

impl Session {
    /// The profile that the session is about, once an order was found.
    pub fn iccid(&self) -> Option<Iccid> {
        match self {
            Session::AwaitAuthenticateClient(_) | Session::Ended => None,
            Session::AwaitGetBoundProfilePackage(state) => Some(state.iccid),
            Session::AwaitInstallationResult(state) => Some(state.iccid),
        }
    }
}

/// What a message leads to. All of it is stored before the reply is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<R> {
    /// The next state of the session.
    pub session: Session,
    /// The order, if it changed.
    pub order: Option<Order>,
    /// The reply.
    pub reply: R,
}
