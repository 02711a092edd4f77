//! An event record (SGP.22 3.6): something waits for an eUICC somewhere.

use alloc::string::String;
use core::fmt;

use rsp_asn1::ids::Eid;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Events of one eUICC at most: they are answered in one message.
pub const MAX_EVENTS_PER_EUICC: usize = 64;

/// Longest EventID or address, in octets: both go into activation codes
/// (SGP.22 4.1).
const MAX_TEXT: usize = 255;

/// Something that waits for an eUICC.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The eUICC.
    pub eid: Eid,
    /// The MatchingID at the server.
    pub event_id: String,
    /// The server.
    pub rsp_server_address: String,
    /// Who registered it, as its certificate names it.
    pub registrant: String,
    /// `functionCallIdentifier` of the registration: a repeated call is known
    /// by it.
    pub call: String,
    /// What the root SM-DS is told of it.
    pub forwarded: Option<Forwarded>,
    /// When it was registered.
    pub registered: Timestamp,
}

/// An event at the root SM-DS that stands for one here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarded {
    /// The EventID there; devices come with it.
    pub event_id: String,
    /// `functionCallIdentifier` of the registration there.
    pub call: String,
    /// Whether the root SM-DS is known to have it.
    pub known: bool,
}

/// EventIDs are secrets until they are used.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("eid", &self.eid)
            .field("event_id", &format_args!("[redacted]"))
            .field("rsp_server_address", &self.rsp_server_address)
            .field("registrant", &self.registrant)
            .field("forwarded", &self.forwarded)
            .field("registered", &self.registered)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Forwarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarded")
            .field("event_id", &format_args!("[redacted]"))
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

impl Event {
    /// Whether a device that comes with this EventID means it: its own, or that
    /// which the root SM-DS gave it.
    pub fn is_called(&self, event_id: &str) -> bool {
        let at_root = |forwarded: &Forwarded| forwarded.event_id == event_id;
        self.event_id == event_id || self.forwarded.as_ref().is_some_and(at_root)
    }
}

/// Whether this can be an EventID or an address: it fits an activation code.
pub(super) fn is_text(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_graphic() && c != '$';
    (1..=MAX_TEXT).contains(&text.len()) && text.chars().all(fits)
}
