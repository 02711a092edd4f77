//! SM-DP+ (SGP.22): orders over ES2+, downloads over ES9+.
//!
//! One file per procedure. A [`Session`] is the state of one download between
//! two messages: one variant per awaited message, each with just what the next
//! step may use. The caller stores the session and the order that a step
//! gives, then sends its reply.

mod authenticate_client;
mod bound_package;
mod cancel_session;
mod eligibility;
mod get_bound_profile_package;
mod handle_notification;
mod identity;
mod initiate_authentication;
mod order;
mod progress;
mod refusal;
mod settings;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use rsp_asn1::Oid;
use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_asn1::rsp::{StoreMetadataRequest, SubjectKeyIdentifier};
use serde::{Deserialize, Serialize};

use crate::pki::TrustAnchor;
use crate::profile::{MetadataOrder, ProfileError, Subscription};

use crate::authentication::LOWEST_SVN;
use identity::CiIdentity;

pub use crate::AwaitAuthenticateClient;
pub use authenticate_client::{AuthenticatedClient, OrderKey};
pub use bound_package::KeptPackage;
pub use handle_notification::Unverified;
pub use identity::{DpIdentity, SetupError};
pub use initiate_authentication::Started;
pub use order::{Announcement, Cancelled, Confirmation, Order, OrderEnd, OrderEvent, OrderState};
pub use progress::Progress;
pub use refusal::{Refusal, Rejected};
pub use settings::{Policy, ProfileTypeSettings, Protection, Technology};

/// An SM-DP+: its name and keys.
#[derive(Debug)]
pub struct Smdp {
    address: String,
    identities: Vec<CiIdentity>,
    anchors: Vec<TrustAnchor>,
    oid: Oid,
    policy: Policy,
}

/// How long a session waits for its next function: the device acts within
/// minutes (SGP.22 leaves the time to the SM-DP+). After that its transaction
/// is unknown.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// How long a ProfileInstallationResult is awaited. It may come late: a device
/// out of coverage keeps it until it is acknowledged.
pub const RESULT_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Smdp {
    /// With these limits of orders.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Smdp { policy, ..self }
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
    /// How profiles of its type are delivered.
    pub settings: ProfileTypeSettings,
}

/// All that a download is made of: an order, what it delivers, and what it
/// has delivered already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The order.
    pub order: Order,
    /// The profile.
    pub material: ProfileMaterial,
    /// The package of an earlier session whose result is not known.
    pub kept: Option<KeptPackage>,
}

impl ProfileMaterial {
    /// The metadata, as in BF25.
    fn metadata(&self, smdp_address: &str) -> Result<StoreMetadataRequest, ProfileError> {
        crate::profile::metadata(&MetadataOrder {
            iccid: self.subscription.iccid,
            imsi: &self.subscription.imsi,
            mnc_length: match self.settings.mnc_length {
                Some(length) => length,
                None => crate::profile::mnc_length(&self.template, &self.subscription)?,
            },
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

/// The eUICC is known and an order was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitGetBoundProfilePackage {
    transaction_id: TransactionId,
    eid: Eid,
    iccid: Iccid,
    /// Which order of the profile.
    generation: u32,
    /// PK.EUICC.ECDSA as SubjectPublicKeyInfo.
    euicc_key: Vec<u8>,
    smdp_signature2: Vec<u8>,
    /// CI of the certificates that this server shows.
    server_ci: SubjectKeyIdentifier,
}

/// The package was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitInstallationResult {
    transaction_id: TransactionId,
    eid: Eid,
    iccid: Iccid,
    /// Which order of the profile.
    generation: u32,
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

    /// How long after its last step the session is still of use: for its next
    /// function, or for the installation result.
    pub fn kept_for(&self) -> Duration {
        match self {
            Session::AwaitInstallationResult(_) => RESULT_LIFETIME,
            _ => SESSION_LIFETIME,
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
    /// The package to keep for a retry, in place of an older one.
    pub kept: Option<KeptPackage>,
    /// What the operator is told.
    pub progress: Option<Progress>,
    /// The reply: some refusals change what is stored.
    pub reply: Result<R, Rejected>,
}

impl<R> Step<R> {
    /// Only the session changes.
    fn done(session: Session, reply: R) -> Self {
        Step {
            session,
            order: None,
            kept: None,
            progress: None,
            reply: Ok(reply),
        }
    }

    /// Only the session changes, by a refusal.
    fn refused(session: Session, rejected: Rejected) -> Self {
        Step {
            session,
            order: None,
            kept: None,
            progress: None,
            reply: Err(rejected),
        }
    }
}
