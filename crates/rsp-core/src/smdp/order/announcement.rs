//! What the SM-DS of an order is to know (SGP.22 3.6.1, 3.6.3).

use alloc::string::String;
use core::fmt;

use rsp_asn1::ids::{Eid, Iccid};
use serde::{Deserialize, Serialize};

use super::{Order, OrderState};
use crate::Timestamp;
use crate::binding::es2plus_json::RequestHeader;
use crate::binding::es12_json::{DeleteEvent, RegisterEvent};
use crate::smdp::Smdp;

/// An order as an event at its SM-DS.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The profile.
    pub iccid: Iccid,
    /// Which order of the profile.
    pub generation: u32,
    /// The eUICC that it waits for.
    pub eid: Eid,
    /// The EventID: the MatchingID of the order.
    pub event_id: String,
    /// The SM-DS.
    pub smds_address: String,
    /// From when on the order cannot be downloaded any more.
    pub expires: Option<Timestamp>,
}

impl fmt::Debug for Announcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announcement")
            .field("iccid", &self.iccid)
            .field("generation", &self.generation)
            .field("eid", &self.eid)
            .field("event_id", &format_args!("[redacted]"))
            .field("smds_address", &self.smds_address)
            .field("expires", &self.expires)
            .finish()
    }
}

impl Order {
    /// What its SM-DS is to know now; `None` if it is to know nothing. While a
    /// package that was delivered has no result, the device may have to come
    /// again.
    pub fn announcement(&self) -> Option<Announcement> {
        match self.state {
            OrderState::Released | OrderState::Downloaded => Some(Announcement {
                iccid: self.iccid,
                generation: self.generation,
                eid: self.eid?,
                event_id: self.matching_id.clone().filter(|id| !id.is_empty())?,
                smds_address: self.smds_address.clone()?,
                expires: self.expires,
            }),
            _ => None,
        }
    }
}

impl Smdp {
    /// The message that registers the event. `call` names the message: the same
    /// one for each repetition.
    pub fn register_event(&self, announcement: &Announcement, call: &str) -> RegisterEvent {
        RegisterEvent {
            header: self.es12_header(call),
            eid: announcement.eid,
            rsp_server_address: self.address.clone(),
            event_id: announcement.event_id.clone(),
            // A root SM-DS has nobody to forward to.
            forwarding_indicator: true,
        }
    }

    /// The message that deletes the event.
    pub fn delete_event(&self, announcement: &Announcement, call: &str) -> DeleteEvent {
        DeleteEvent {
            header: self.es12_header(call),
            eid: announcement.eid,
            event_id: announcement.event_id.clone(),
        }
    }

    fn es12_header(&self, call: &str) -> RequestHeader {
        use alloc::string::ToString;
        RequestHeader {
            function_requester_identifier: self.oid.to_string(),
            function_call_identifier: call.to_string(),
        }
    }
}
