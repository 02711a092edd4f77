//! SM-DS (SGP.22): SM-DP+s register events for eUICCs over ES12, devices ask
//! for them over ES11.
//!
//! One file per function. An alternative SM-DS also tells the root SM-DS
//! (ES15): what it is to be told comes out of a function as a [`Forward`]; the
//! caller sends it and hands the answer in.

mod authenticate_client;
mod delete_event;
mod event;
mod forward;
mod identity;
mod initiate_authentication;
mod refusal;
mod register_event;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use rsp_asn1::Oid;
use serde::{Deserialize, Serialize};

use crate::AwaitAuthenticateClient;
use crate::pki::TrustAnchor;

use identity::CiIdentity;

pub use authenticate_client::AuthenticatedClient;
pub use delete_event::Deletion;
pub use event::{Event, Forwarded, MAX_EVENTS_PER_EUICC};
pub use forward::Forward;
pub use identity::SetupError;
pub use initiate_authentication::Started;
pub use refusal::{Refusal, Rejected};
pub use register_event::Registration;

/// An SM-DS: its name and keys.
#[derive(Debug)]
pub struct Smds {
    address: String,
    identities: Vec<CiIdentity>,
    anchors: Vec<TrustAnchor>,
    oid: Oid,
    root: Option<String>,
}

/// How long a session waits for its next function: the device acts within
/// minutes (SGP.22 leaves the time to the SM-DS).
pub const SESSION_LIFETIME: Duration = Duration::from_secs(30 * 60);

impl Smds {
    /// As an alternative SM-DS: events that are to be forwarded are registered
    /// at the root SM-DS of this address, too.
    #[must_use]
    pub fn with_root(self, root: String) -> Self {
        Smds {
            root: Some(root),
            ..self
        }
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// State of one session between two messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Session {
    /// ES11.AuthenticateClient is awaited.
    AwaitAuthenticateClient(AwaitAuthenticateClient),
    /// Nothing is awaited any more.
    Ended,
}
