//! ES2+ orders (SGP.22 3.1.1, 5.3): download, confirm, release.

use alloc::string::String;
use core::fmt;

use rsp_asn1::ids::{Eid, Iccid};
use serde::{Deserialize, Serialize};

use super::{Refusal, Smdp};
use crate::Context;
use crate::binding::es2plus_json::{ConfirmOrder, ConfirmOrderOk, DownloadOrder};
use crate::binding::redacted;

/// A profile in stock and what was ordered of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The profile.
    pub iccid: Iccid,
    /// Its type.
    pub profile_type: String,
    /// How far the order is.
    pub state: OrderState,
    /// The eUICC that may download it, once known.
    pub eid: Option<Eid>,
    /// The MatchingID, once confirmed.
    pub matching_id: Option<String>,
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("iccid", &self.iccid)
            .field("profile_type", &self.profile_type)
            .field("state", &self.state)
            .field("eid", &self.eid)
            .field("matching_id", &redacted(&self.matching_id))
            .finish()
    }
}

/// State of a profile at the SM-DP+ (SGP.22 3.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// In stock.
    Available,
    /// Ordered for any eUICC.
    Allocated,
    /// Ordered for one eUICC.
    Linked,
    /// Confirmed, not yet released.
    Confirmed,
    /// May be downloaded.
    Released,
    /// The bound package was delivered.
    Downloaded,
    /// The eUICC reported success.
    Installed,
    /// The eUICC reported failure, or the session was cancelled for good.
    Error,
}

impl OrderState {
    /// The state as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            OrderState::Available => "available",
            OrderState::Allocated => "allocated",
            OrderState::Linked => "linked",
            OrderState::Confirmed => "confirmed",
            OrderState::Released => "released",
            OrderState::Downloaded => "downloaded",
            OrderState::Installed => "installed",
            OrderState::Error => "error",
        }
    }
}

impl Order {
    /// A profile that nobody has ordered.
    pub fn available(iccid: Iccid, profile_type: String) -> Self {
        Order {
            iccid,
            profile_type,
            state: OrderState::Available,
            eid: None,
            matching_id: None,
        }
    }

    /// ES2+.DownloadOrder (SGP.22 5.3.1). The same order again succeeds.
    ///
    /// # Errors
    /// If the profile is taken or of another type.
    pub fn download_order(self, request: &DownloadOrder) -> Result<Self, Refusal> {
        let other_type = |wanted: &String| *wanted != self.profile_type;
        if request.profile_type.as_ref().is_some_and(other_type) {
            return Err(Refusal::ProfileUnavailable);
        }
        let state = match request.eid {
            Some(_) => OrderState::Linked,
            None => OrderState::Allocated,
        };
        let repeated = self.state == state && self.eid == request.eid;
        if self.state != OrderState::Available && !repeated {
            return Err(Refusal::ProfileUnavailable);
        }
        Ok(Order {
            state,
            eid: request.eid,
            ..self
        })
    }

    /// ES2+.ConfirmOrder (SGP.22 5.3.2). The same confirmation again succeeds;
    /// it cannot change what was confirmed.
    ///
    /// # Errors
    /// If the profile is not ordered, or for another eUICC, or a confirmation
    /// code or an SM-DS is asked for.
    pub fn confirm_order(
        self,
        request: &ConfirmOrder,
        smdp: &Smdp,
        cx: &mut Context<'_>,
    ) -> Result<(Self, ConfirmOrderOk), Refusal> {
        if request.confirmation_code.is_some() {
            return Err(Refusal::ConfirmationCodeUnsupported);
        }
        if request.smds_address.is_some() {
            return Err(Refusal::SmdsInaccessible);
        }
        let confirmable = matches!(self.state, OrderState::Allocated | OrderState::Linked);
        // An order that was confirmed for any eUICC stays so.
        let bound = self.eid.is_some() || !confirmable;
        if bound && request.eid.is_some() && self.eid != request.eid {
            return Err(Refusal::OrderedForOtherEid);
        }
        let eid = request.eid.or(self.eid);
        let matching_id = match (&request.matching_id, &self.matching_id) {
            (Some(empty), _) if empty.is_empty() && eid.is_none() => {
                return Err(Refusal::EidMissing);
            }
            (Some(given), _) => given.clone(),
            (None, Some(made)) => made.clone(),
            (None, None) => make_matching_id(cx),
        };
        let state = match request.release_flag {
            true => OrderState::Released,
            false => OrderState::Confirmed,
        };
        let repeated = self.state == state && self.matching_id.as_ref() == Some(&matching_id);
        if !confirmable && !repeated {
            return Err(Refusal::WrongOrderState);
        }
        let reply = ConfirmOrderOk {
            eid,
            matching_id: matching_id.clone(),
            smdp_address: Some(smdp.address.clone()),
        };
        let order = Order {
            state,
            eid,
            matching_id: Some(matching_id),
            ..self
        };
        Ok((order, reply))
    }

    /// ES2+.ReleaseProfile (SGP.22 5.3.4). Releasing again succeeds.
    ///
    /// # Errors
    /// If the order is not confirmed.
    pub fn release(self) -> Result<Self, Refusal> {
        match self.state {
            OrderState::Confirmed | OrderState::Released => Ok(Order {
                state: OrderState::Released,
                ..self
            }),
            _ => Err(Refusal::WrongOrderState),
        }
    }

    /// Whether a session of this eUICC may still decide over the order: it is
    /// open, or the package was delivered to this eUICC.
    pub(super) fn is_open_to(&self, eid: Eid) -> bool {
        self.state == OrderState::Released || self.is_delivered_to(eid)
    }

    /// Whether the package was delivered to this eUICC and its result is
    /// awaited.
    pub(super) fn is_delivered_to(&self, eid: Eid) -> bool {
        self.state == OrderState::Downloaded && self.eid == Some(eid)
    }

    /// Whether this eUICC may download the profile now. One whose package was
    /// delivered may try again: the result of the first attempt never came.
    pub(super) fn check_eligible(&self, eid: Eid) -> Result<(), Refusal> {
        if self.eid.is_some_and(|ordered| ordered != eid) {
            return Err(Refusal::EidMismatch);
        }
        match self.state {
            OrderState::Released | OrderState::Downloaded => Ok(()),
            OrderState::Installed | OrderState::Error => Err(Refusal::MatchingIdRefused),
            _ => Err(Refusal::NotReleased),
        }
    }
}

/// Twenty characters that are easy to read out: 100 bits.
fn make_matching_id(cx: &mut Context<'_>) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let letter = |octet: u8| ALPHABET.get(usize::from(octet % 32)).copied();
    let letters = cx.random::<20>().into_iter().filter_map(letter);
    letters.map(char::from).collect()
}
