//! The network of a simulation: what becomes of one exchange.

use std::time::Duration;

use rsp_asn1::sgp32::{EsipaMessageFromIpaToEim, HandleNotificationEsipa};
use rsp_core::binding::{HttpRequest, esipa};

use super::dice::Dice;
use super::faults::Faults;

/// When the IPA gives a request up.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest that a message needs if all goes well.
const USUAL: Duration = Duration::from_secs(2);

/// The longest that a message is on its way if it does not.
const LATE: Duration = Duration::from_secs(86_400);

/// What becomes of one exchange; times are from when the request is sent.
pub(super) struct Exchange {
    /// When the request arrives at the server, each time.
    pub(super) arrivals: Vec<Duration>,
    /// How long the response to the first is on its way; none if it is lost.
    pub(super) back: Option<Duration>,
}

impl Exchange {
    pub(super) fn throw(dice: &mut Dice, faults: &Faults, is_result: bool) -> Self {
        let there = dice.up_to(USUAL);
        let back = dice.up_to(USUAL);
        let mut exchange = Exchange {
            arrivals: vec![there],
            back: Some(back),
        };
        let lost = match is_result {
            true => faults.lost.max(faults.lost_results),
            false => faults.lost,
        };
        if dice.in_a_million(lost) {
            match dice.below(2) {
                0 => exchange.arrivals.clear(),
                _ => exchange.back = None,
            }
        } else if dice.in_a_million(faults.late) {
            let late = TIMEOUT + dice.up_to(LATE);
            match dice.below(2) {
                0 => exchange.arrivals = vec![late],
                _ => exchange.back = Some(late),
            }
        }
        if dice.in_a_million(faults.repeated) {
            let longest = match dice.below(2) {
                0 => USUAL * 2,
                _ => LATE,
            };
            exchange.arrivals.push(dice.up_to(longest));
        }
        exchange
    }

    /// Whether one side never hears of the other.
    pub(super) fn is_lost(&self) -> bool {
        self.arrivals.is_empty() || self.back.is_none()
    }
}

/// Whether a device reports what became of a package, of a download as well
/// (SGP.32 5.14.6, 5.14.7).
pub(super) fn is_result(request: &HttpRequest) -> bool {
    matches!(
        esipa::decode_request(request),
        Ok((
            _,
            EsipaMessageFromIpaToEim::ProvideEimPackageResult(_)
                | EsipaMessageFromIpaToEim::HandleNotification(
                    HandleNotificationEsipa::ProvideEimPackageResult(_)
                )
        ))
    )
}
