//! IPAd (SGP.32): fetches packages from the eIM, has the eUICC carry them out
//! and brings the results back.
//!
//! [`Ipa`] is a driver without I/O. The host hands [`Input`]s in, carries out
//! the [`Action`] that comes out, one at a time, and calls again at
//! [`Ipa::poll_timeout`]. One file per procedure; each reads from top to
//! bottom. What matters is kept by the eUICC: an IPA that is started again
//! finds there which results and notifications are still to be delivered.
//!
//! One thing is kept by the IPA alone, and lost with its power: the result of a
//! download trigger that the eIM has not taken over. As long as it is there, it
//! is delivered before every poll, the same trigger is not carried out again,
//! and the installation result in it stays on the eUICC. After a power cut the
//! trigger is carried out again; the profile is not installed twice, since the
//! eUICC (ICCID exists, errorReason 9) or the SM-DP+ (no such order any more)
//! refuses, but the eIM then learns only that the outcome is not known.

mod activation_code;
mod bound_profile_package;
mod channel;
mod download;
mod euicc_data;
mod euicc_package;
mod memory;
mod notifications;
mod poll;
mod port;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use rsp_asn1::DecodeError;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::DeviceInfo;

use crate::Timestamp;
use crate::binding::{BindingError, HttpRequest, HttpResponse};
use crate::pki::{TlsTrust, TrustAnchor};
use port::{Answer, Port};

pub use activation_code::{ActivationCode, InvalidActivationCode};

/// How an IPA behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Octets of data in one STORE DATA, 6 to 255.
    pub block_size: u8,
    /// Pause between two polls of the eIM.
    pub poll_interval: Duration,
    /// How often a request that did not get through, or was answered with
    /// HTTP 5xx, is repeated; attempt `i` waits `(i + 1)²` seconds.
    pub retries: u32,
    /// What the device says of itself to RSP servers.
    pub device_info: DeviceInfo,
    /// The CIs under which SM-DP+s are accepted.
    pub ci: Vec<TrustAnchor>,
}

/// Block size that all cards and modems take.
pub const DEFAULT_BLOCK_SIZE: u8 = 255;

/// What comes from the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Response to [`Action::Apdu`]: data and status words, or why there is
    /// none.
    Apdu(Result<Vec<u8>, String>),
    /// Response to [`Action::Http`], or why there is none.
    Http(Result<HttpResponse, String>),
    /// Poll now.
    Wake,
    /// Only time has passed.
    Time,
}

/// What the host is to do. The next one comes after its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a command APDU to the eUICC.
    Apdu(Vec<u8>),
    /// POST to a server.
    Http {
        /// Which.
        server: Server,
        /// What.
        request: HttpRequest,
    },
}

/// A server, and whom to trust as it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Host name, with a port if it is not 443.
    pub address: String,
    /// Whom to trust; `None` leaves it to the host, which may refuse.
    pub trust: Option<TlsTrust>,
}

/// What is going on, for people and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The eIM has nothing more; the next poll is later.
    Idle,
    /// A download begins.
    DownloadStarted {
        /// At this SM-DP+.
        smdp_address: String,
    },
    /// eUICC and SM-DP+ have authenticated each other.
    Authenticated {
        /// The profile offered.
        iccid: Iccid,
    },
    /// The bound profile package is here.
    BoundProfilePackageReceived {
        /// Octets of all segments.
        octets: usize,
    },
    /// The eUICC has installed the profile.
    Installed {
        /// The profile.
        iccid: Option<Iccid>,
    },
    /// A download did not succeed.
    DownloadFailed {
        /// Why.
        reason: String,
    },
    /// The eUICC has processed a package.
    PackageProcessed,
    /// The eIM has taken the result of a package or a download over.
    ResultDelivered,
    /// A notification was delivered.
    NotificationDelivered {
        /// Its sequence number.
        seq_number: i64,
    },
    /// The round ended early; it is tried again at the next poll.
    Failed {
        /// Why.
        reason: String,
    },
}

/// Why a procedure ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IpaError {
    /// The card cannot be reached.
    #[error("the card cannot be reached: {0}")]
    Card(String),
    /// The card answered an unexpected status word.
    #[error("the card answered {status:04X} to {command}")]
    StatusWord {
        /// SW1 SW2.
        status: u16,
        /// What was asked.
        command: &'static str,
    },
    /// The card answered something that is no such response.
    #[error("the card's answer to {command}: {error}")]
    CardAnswer {
        /// What was asked.
        command: &'static str,
        /// What is wrong.
        error: DecodeError,
    },
    /// The card refused a function.
    #[error("the card refused {command}: {code}")]
    CardRefused {
        /// What was asked.
        command: &'static str,
        /// Its error code.
        code: i64,
    },
    /// A server cannot be reached.
    #[error("{address} cannot be reached: {error}")]
    Unreachable {
        /// Which.
        address: String,
        /// Why.
        error: String,
    },
    /// A server refused or answered something unexpected.
    #[error("{address}: {error}")]
    Server {
        /// Which.
        address: String,
        /// What.
        error: BindingError,
    },
    /// A server answered something that contradicts what it is.
    #[error("{0}")]
    Protocol(&'static str),
}

impl IpaError {
    /// Whether a later attempt may well succeed: a server was out of reach or
    /// overloaded.
    fn is_passing(&self) -> bool {
        match self {
            IpaError::Unreachable { .. } => true,
            IpaError::Server {
                error: BindingError::Status { status, .. },
                ..
            } => matches!(status, 429 | 500..=599),
            _ => false,
        }
    }
}

/// The driver.
pub struct Ipa {
    port: Port,
    procedure: Pin<Box<dyn Future<Output = ()>>>,
}

impl fmt::Debug for Ipa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ipa").finish_non_exhaustive()
    }
}

impl Ipa {
    /// An IPA that polls at once.
    pub fn new(config: Config, now: Timestamp) -> Self {
        let port = Port::new(now);
        let procedure = poll::run(port.clone(), config);
        let mut ipa = Ipa {
            port,
            procedure: Box::pin(procedure),
        };
        ipa.advance();
        ipa
    }

    /// Takes an input. A response to nothing that was asked is ignored.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        {
            let mut shared = self.port.0.borrow_mut();
            shared.now = now;
            match input {
                Input::Apdu(response) => shared.answered(Answer::Apdu(response)),
                Input::Http(response) => shared.answered(Answer::Http(response)),
                Input::Wake => shared.woken = true,
                Input::Time => {}
            }
        }
        self.advance();
    }

    /// What to do now, if anything.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.port.0.borrow_mut().action.take()
    }

    /// When to call [`Ipa::handle`] with [`Input::Time`] at the latest.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.port.0.borrow().wake_at
    }

    /// What has happened, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.port.0.borrow_mut().events.pop_front()
    }

    fn advance(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        // The procedure never ends: it sleeps between rounds.
        let _: Poll<()> = self.procedure.as_mut().poll(&mut context);
    }
}
