//! ES2+.ConfirmOrder (SGP.22 5.3.2).

use alloc::string::String;

use rsp_asn1::ids::Eid;

use super::{Confirmation, Order, OrderEvent, OrderState};
use crate::binding::es2plus_json::{ConfirmOrder, ConfirmOrderOk};
use crate::smdp::{ProfileTypeSettings, Refusal, Rejected, Smdp};
use crate::{Codes, Context};

/// Longest MatchingID, in octets (SGP.22 4.1: an activation code is at most
/// 255 characters).
const MAX_MATCHING_ID: usize = 255;

impl Order {
    /// Confirms the order. The same confirmation again succeeds; it cannot
    /// change what was confirmed.
    ///
    /// # Errors
    /// If the profile is another operator's, not ordered, or for another
    /// eUICC, its type asks for a confirmation code and there is none, the
    /// MatchingID fits no activation code, or the SM-DS cannot be one.
    pub fn confirm_order(
        self,
        request: &ConfirmOrder,
        caller: &str,
        settings: &ProfileTypeSettings,
        smdp: &Smdp,
        cx: &mut Context<'_>,
    ) -> Result<(Order, ConfirmOrderOk), Rejected> {
        self.check_visible(caller)?;
        let open = matches!(self.state, OrderState::Allocated | OrderState::Linked);
        let eid = self.confirmed_eid(request, open)?;
        let smds_address = smds_address(request, eid, smdp)?;
        let matching_id = self.confirmed_matching_id(request, eid, settings, cx)?;
        let code = request.confirmation_code.as_deref();
        let code = code.filter(|code| !code.is_empty());
        if settings.confirmation_code_required && code.is_none() {
            return Err(Refusal::ConfirmationCodeMissing.because("the profile type asks for one"));
        }
        let confirmation = code.map(|code| Confirmation::of(code, cx.crypto));
        let reply = ConfirmOrderOk {
            eid,
            matching_id: matching_id.clone(),
            smdp_address: Some(smdp.address.clone()),
        };
        let event = match request.release_flag {
            true => OrderEvent::Released,
            false => OrderEvent::Confirmed,
        };
        let order = match self.state.next(event) {
            Some(state) if open => Order {
                state,
                eid,
                matching_id: Some(matching_id),
                confirmation,
                smds_address,
                expires: Some(cx.now.after(smdp.policy.of_type(settings).order_validity)),
                ..self
            },
            _ if self.is_confirmed_as(request, &matching_id, confirmation.as_ref()) => self,
            _ => return Err(Refusal::WrongOrderState.because(self.state.as_str())),
        };
        Ok((order, reply))
    }

    /// The eUICC that the order is for. One that was confirmed for any eUICC
    /// stays so.
    fn confirmed_eid(&self, request: &ConfirmOrder, open: bool) -> Result<Option<Eid>, Refusal> {
        let bound = self.eid.is_some() || !open;
        if bound && request.eid.is_some() && self.eid != request.eid {
            let ordered = self.state != OrderState::Available;
            return Err(match ordered {
                true => Refusal::OrderedForOtherEid,
                false => Refusal::WrongOrderState,
            });
        }
        Ok(request.eid.or(self.eid))
    }

    fn confirmed_matching_id(
        &self,
        request: &ConfirmOrder,
        eid: Option<Eid>,
        settings: &ProfileTypeSettings,
        cx: &mut Context<'_>,
    ) -> Result<String, Refusal> {
        let fits = |c: char| c.is_ascii_graphic() && c != '$';
        match (&request.matching_id, &self.matching_id) {
            (Some(empty), _) if empty.is_empty() && eid.is_none() => Err(Refusal::EidMissing),
            (Some(given), _) if given.len() > MAX_MATCHING_ID || !given.chars().all(fits) => {
                Err(Refusal::MatchingIdInvalid)
            }
            // An event is known by the MatchingID.
            (Some(empty), _) if empty.is_empty() && has_smds(request) => {
                Err(Refusal::MatchingIdInvalid)
            }
            (Some(given), _) => Ok(given.clone()),
            (None, Some(made)) => Ok(made.clone()),
            (None, None) if settings.default_order && eid.is_some() && !has_smds(request) => {
                Ok(String::new())
            }
            (None, None) => Ok(make_matching_id(cx)),
        }
    }

    /// Whether the order was confirmed in the same way before.
    fn is_confirmed_as(
        &self,
        request: &ConfirmOrder,
        matching_id: &String,
        confirmation: Option<&Confirmation>,
    ) -> bool {
        let state = match request.release_flag {
            true => OrderState::Released,
            false => OrderState::Confirmed,
        };
        let same_code = match (&self.confirmation, confirmation) {
            (Some(ours), Some(theirs)) => ours.is_same_code(theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        self.state == state && self.matching_id.as_ref() == Some(matching_id) && same_code
    }
}

fn has_smds(request: &ConfirmOrder) -> bool {
    let address = request.smds_address.as_deref();
    address.is_some_and(|address| !address.is_empty())
}

/// The SM-DS of the order; an event there is for one eUICC.
fn smds_address(
    request: &ConfirmOrder,
    eid: Option<Eid>,
    smdp: &Smdp,
) -> Result<Option<String>, Rejected> {
    let address = request.smds_address.as_deref();
    let Some(address) = address.filter(|address| !address.is_empty()) else {
        return Ok(None);
    };
    if eid.is_none() {
        return Err(Refusal::EidMissing.because("an event at an SM-DS is for one eUICC"));
    }
    if !is_reachable_name(address) || address.eq_ignore_ascii_case(&smdp.address) {
        return Err(Refusal::SmdsInaccessible.because("the address can be that of no SM-DS"));
    }
    Ok(Some(address.into()))
}

/// Whether this can be the name of a host in the network: labels of letters,
/// digits and hyphens (RFC 1123 2.1), at least two of them, no IP address, and
/// not under a name that never exists (RFC 6761 6.4).
fn is_reachable_name(name: &str) -> bool {
    let host = name.split_once(':').map_or(name, |(host, _)| host);
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=63).contains(&label.len())
            && label.chars().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = host.rsplit('.').next().unwrap_or(host);
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(label)
        && !top.chars().all(|c| c.is_ascii_digit())
        && !top.eq_ignore_ascii_case("invalid")
}

/// Twenty characters that are easy to read out: 100 bits.
fn make_matching_id(cx: &mut Context<'_>) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let letter = |octet: u8| ALPHABET.get(usize::from(octet % 32)).copied();
    let letters = cx.random::<20>().into_iter().filter_map(letter);
    letters.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::is_reachable_name;

    #[test]
    fn names_that_can_be_hosts() {
        for name in ["smds.example.com", "lpa.ds.gsma.com", "a-1.b:8443"] {
            assert!(is_reachable_name(name), "{name}");
        }
        for name in [
            "",
            "smds",
            "smds..com",
            "-a.com",
            "smds.example.invalid",
            "192.0.2.1",
            "smds example.com",
            "https://smds.example.com",
        ] {
            assert!(!is_reachable_name(name), "{name}");
        }
    }
}
