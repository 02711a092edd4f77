//! Delivery of notifications (SGP.32 3.7, SGP.22 3.5): to the server that each
//! names, if the card has ES9+ and knows the way there; to the eIM, if it has
//! not.

use alloc::string::String;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::{ErrorReason, FinalResult, PendingNotification};
use rsp_asn1::sgp32::{EsipaMessageFromIpaToEim, HandleNotificationEsipa};

use super::connection::Awaited;
use super::download::es9plus;
use super::http::Message;
use super::round;
use crate::isdr::Isdr;

/// Whether servers are told by the card itself.
fn is_direct(isdr: &Isdr) -> bool {
    isdr.ecasd.ipae.as_ref().is_some_and(|ipae| ipae.direct)
}

/// A server that something waits for and that was not asked for in this round.
/// Of interruptions it has to know before it is asked for the profile again.
pub(super) fn next_server(isdr: &Isdr, only_interruptions: bool) -> Option<String> {
    let mut waiting = isdr.state.notifications.notifications(None);
    let found = waiting.find_map(|waiting| {
        let address = &waiting.metadata()?.notification_address;
        let wanted = !only_interruptions || is_interruption(waiting);
        let is_new = !isdr.ipae.servers.contains(address);
        let reachable = || round::place(isdr, address).is_some();
        (wanted && is_new && reachable()).then(|| address.clone())
    });
    found.filter(|_| is_direct(isdr))
}

fn is_interruption(notification: &PendingNotification) -> bool {
    let PendingNotification::ProfileInstallationResult(result) = notification else {
        return false;
    };
    match &result.profile_installation_result_data.final_result {
        FinalResult::Error(error) => {
            error.error_reason == ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION
        }
        FinalResult::Success(_) => false,
    }
}

/// The next notification for a server, after those `given` to it.
pub(super) fn for_server(isdr: &Isdr, server: &str, given: &[i64]) -> Option<(Awaited, Message)> {
    let mut waiting = isdr.state.notifications.notifications(None);
    let next = waiting.find(|waiting| {
        let metadata = waiting.metadata();
        let is_for = metadata.is_some_and(|metadata| metadata.notification_address == server);
        is_for && !given.contains(&waiting.seq_number())
    })?;
    let message = es9plus::notification(&next.to_der());
    Some((Awaited::Notification(next.seq_number()), message))
}

/// The next notification for an eIM, after those `given` to it, if the card has
/// no other way.
pub(super) fn for_eim(isdr: &Isdr, given: &[i64]) -> Option<(Awaited, Message)> {
    let mut waiting = isdr.state.notifications.notifications(None);
    let next = waiting.find(|waiting| !given.contains(&waiting.seq_number()));
    let next = next.filter(|_| !is_direct(isdr))?.clone();
    let number = next.seq_number();
    let message = HandleNotificationEsipa::PendingNotification(next);
    let message = EsipaMessageFromIpaToEim::HandleNotification(message).to_der();
    Some((Awaited::Notification(number), Message::Esipa(message)))
}

/// One was taken.
pub(super) fn delivered(isdr: &mut Isdr, number: i64) {
    isdr.state.notifications.remove(number);
}
