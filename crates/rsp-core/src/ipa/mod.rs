//! IPAd (SGP.32): fetches packages from the eIM, has the eUICC carry them out
//! and brings the results back.
//!
//! [`Ipa`] is a driver without I/O. The host hands [`Input`]s in, carries out
//! the [`Action`] that comes out, one at a time, and calls again at
//! [`Ipa::poll_timeout`]. One file per procedure; each reads from top to
//! bottom. What matters is kept by the eUICC: an IPA that is started again
//! finds there which results and notifications are still to be delivered.
//!
//! Two things are kept by the IPA alone: which trigger of an eIM it is carrying
//! out and what came of it, and which results servers have taken already. They
//! are its memory: [`Action::Persist`] hands it to the host, which answers when
//! it is durable, and [`Ipa::new`] takes it back. What cannot be taken back is
//! noted first. So an IPA that begins again after a power cut finds a profile
//! that was installed in between, by the RSP session, among the results on the
//! eUICC, and reports exactly that; what was not installed is downloaded again.

mod activation_code;
pub(crate) mod bound_profile_package;
mod channel;
mod compact;
mod config;
mod direct;
mod discovery;
mod download;
mod download_place;
mod download_report;
mod emulation;
mod error;
mod euicc_data;
mod euicc_package;
mod indirect;
mod indirect_discovery;
mod injection;
pub mod lpa;
mod memory;
mod notifications;
mod poll;
mod port;
mod recovery;
mod requests;
mod rollback;
mod state_change;
mod unusable_package;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use rsp_asn1::ids::Iccid;

use crate::Timestamp;
use crate::binding::{HttpRequest, HttpResponse, Transport};
use crate::pki::TlsTrust;
use memory::Memory;
use port::{Answer, Port};

pub use crate::eim::IpaFeatures;
pub use activation_code::{ActivationCode, InvalidActivationCode};
pub use config::{Config, DEFAULT_BLOCK_SIZE, MAX_PACKAGES_PER_ROUND, Retry};
pub use emulation::Emulation;
pub use error::IpaError;
pub use injection::Injection;
pub use state_change::DeviceEvent;

/// What comes from the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Response to [`Action::Apdu`]: data and status words, or why there is
    /// none.
    Apdu(Result<Vec<u8>, String>),
    /// Response to [`Action::Http`], or why there is none.
    Http(Result<HttpResponse, String>),
    /// Response to [`Action::ResetCard`]: the card has power again, or why not.
    Reset(Result<(), String>),
    /// Response to [`Action::Persist`]: the memory is durable, or why not.
    Persisted(Result<(), String>),
    /// Something that the device tells. All but a registration wakes the IPA.
    Device(DeviceEvent),
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
    /// Reset the eUICC.
    ResetCard,
    /// Save the memory, for [`Ipa::new`] after a power cut: the old one or the
    /// new one must be there then, whole. It holds no secrets.
    Persist(Vec<u8>),
}

/// A server, and whom to trust as it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Host name, with a port if it is not that of the transport.
    pub address: String,
    /// Whom to trust; `None` leaves it to the host, which may refuse.
    pub trust: Option<TlsTrust>,
    /// What carries the messages.
    pub transport: Transport,
}

/// What is going on, for people and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The eIM has nothing more; the next poll is later.
    Idle,
    /// An SM-DS was asked for events.
    EventsFound {
        /// Which.
        smds_address: String,
        /// How many wait for the eUICC there.
        events: usize,
    },
    /// What came of a task of the user.
    LocalAnswer(lpa::Answer),
    /// A download begins.
    DownloadStarted {
        /// At this SM-DP+.
        smdp_address: String,
    },
    /// eUICC and SM-DP+ have authenticated each other.
    Authenticated {
        /// The profile offered, unless only the eIM knows.
        iccid: Option<Iccid>,
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
    /// An installation result was found on the eUICC, of a download that was
    /// cut off.
    DownloadRecovered {
        /// The profile.
        iccid: Option<Iccid>,
    },
    /// The eUICC has processed a package.
    PackageProcessed,
    /// The eIM had a package that this IPA cannot use, and was told so.
    PackageRefused {
        /// Why.
        reason: String,
    },
    /// In place of an eUICC that cannot keep it, an eIM was taken from the
    /// device's configuration. It is to be told the token.
    EmulatedEim {
        /// Its identifier.
        eim_id: String,
        /// The token that was made for it, if it asks for one.
        association_token: Option<i64>,
    },
    /// A package that was carried out in the eUICC's place was cut off, and has
    /// ended with what was done of it.
    PackageInterrupted,
    /// The eIM was out of reach over a new profile: the eUICC has gone back to
    /// the one before, as the eIM allowed.
    RolledBack,
    /// The eUICC has switched profiles for the device, by this function.
    ProfileSwitched {
        /// Name of the function.
        command: &'static str,
    },
    /// The eUICC did not switch profiles for the device.
    SwitchRefused {
        /// Name of the function.
        command: &'static str,
        /// Why.
        reason: String,
    },
    /// The eUICC did not go back.
    RollbackRefused {
        /// Why.
        reason: String,
    },
    /// The eUICC is reset.
    CardReset {
        /// Why.
        reason: String,
    },
    /// What was remembered cannot be read: the IPA begins without.
    MemoryLost {
        /// Why.
        reason: String,
    },
    /// What is to be remembered could not be saved.
    MemoryNotSaved {
        /// Why.
        reason: String,
    },
    /// So many packages were processed as were asked for: nothing comes after.
    Stopped,
    /// The eIM has taken the result of a package or a download over.
    ResultDelivered,
    /// The eIM refused the result of a download as it was.
    ResultRefused {
        /// Why.
        reason: String,
    },
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

/// The driver.
pub struct Ipa {
    port: Port,
    /// Until it is over.
    procedure: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl fmt::Debug for Ipa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ipa").finish_non_exhaustive()
    }
}

impl Ipa {
    /// An IPA that polls at once. `memory` is what was saved last; one that
    /// cannot be read is as good as none, and an event says so.
    pub fn new(config: Config, memory: Option<Vec<u8>>, now: Timestamp) -> Self {
        let port = Port::new(now, config.jitter_seed);
        let (memory, lost) = Memory::load(memory.as_deref());
        if let Some(reason) = lost {
            port.event(Event::MemoryLost { reason });
        }
        let procedure = poll::run(port.clone(), config, memory);
        let mut ipa = Ipa {
            port,
            procedure: Some(Box::pin(procedure)),
        };
        ipa.advance();
        ipa
    }

    /// A local profile assistant that carries out one task of the user of the
    /// device, and then stops. It keeps nothing.
    pub fn local(config: Config, task: lpa::Task, now: Timestamp) -> Self {
        let port = Port::new(now, config.jitter_seed);
        let procedure = lpa::run(port.clone(), config, task);
        let mut ipa = Ipa {
            port,
            procedure: Some(Box::pin(procedure)),
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
                Input::Reset(result) => shared.answered(Answer::Reset(result)),
                Input::Persisted(result) => shared.answered(Answer::Persisted(result)),
                Input::Device(event) => shared.told(event),
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
        let Some(procedure) = &mut self.procedure else {
            return;
        };
        if procedure.as_mut().poll(&mut context) == Poll::Ready(()) {
            self.procedure = None;
        }
    }
}
