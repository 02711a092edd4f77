//! What an operation took of ESipa: the octets of the messages that carried its
//! package, its result, or a function of its relayed download.
//!
//! What several operations share is divided here and nowhere else. Octets are divided
//! evenly, and what is left over counts for the first. Contacts and exchanges count for
//! the first operation of a package: the others travelled along. So what operations
//! took, added up, is what was moved for them.
//!
//! Polls that bring nothing are nobody's: the device would have made them anyway.
//! A notification that names no download is nobody's, either.

use alloc::vec::Vec;
use core::time::Duration;

use rsp_asn1::Asn1;
use rsp_asn1::ids::{Iccid, TransactionId};
use rsp_asn1::sgp32::EsipaMessageFromEimToIpa;
use serde::{Deserialize, Serialize};

use super::{EuiccRecord, Operation, OperationId, OperationState, Step, transfer};
use crate::Timestamp;
use crate::binding::Transport;
use crate::binding::esipa::EsipaBinding;

/// After such a pause a device has gone to sleep and come back.
const PAUSE: Duration = Duration::from_secs(60);

/// How a message came to the eIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// By what.
    pub transport: Transport,
    /// How it was written, and its answer is.
    pub binding: EsipaBinding,
    /// Octets of its body.
    pub received: u64,
    /// Whether the eIM went to the device (ESipa.TransferEimPackage), so that the
    /// answer to a poll is the body of its request.
    pub brought: bool,
}

/// One request and its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// By what.
    pub transport: Transport,
    /// How many of them; 0 for what is a part of the one before.
    pub exchanges: u32,
    /// Octets of the body from the device.
    pub received: u64,
    /// Octets of the body to the device.
    pub sent: u64,
}

impl Carried {
    /// The exchange with the answer as it is written in the binding, of so many octets.
    pub const fn answered(&self, sent: u64) -> Exchange {
        Exchange {
            transport: self.transport,
            exchanges: 1,
            received: self.received,
            sent,
        }
    }

    /// The exchange with the eIM's side of it in one that the eIM begins: a package, or
    /// acknowledgements, which go in a request of their own.
    pub fn brought(&self, reply: &EsipaMessageFromEimToIpa) -> Exchange {
        let request = match reply {
            EsipaMessageFromEimToIpa::GetEimPackageResponse(response) => {
                transfer::transfer_request(response.clone())
            }
            EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(response) => {
                transfer::acknowledgements(response.clone())
            }
            _ => None,
        };
        let request = request.map(EsipaMessageFromEimToIpa::TransferEimPackageRequest);
        Exchange {
            exchanges: u32::from(request.is_some()),
            ..self.answered(request.map_or(0, |request| request.to_der().len() as u64))
        }
    }
}

/// What an operation took, by the profile and the transport that carried it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// One for each profile and transport, in the order of their first messages.
    pub legs: Vec<Leg>,
    /// The most operations that an exchange was divided among.
    pub together: u32,
    /// Whether it is a download whose functions went through the eIM.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub relayed: bool,
    /// The last exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

/// What one profile carried by one transport.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// The profile that was enabled; absent if the eIM did not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iccid: Option<Iccid>,
    /// By what.
    pub transport: Transport,
    /// How often the device came for it, or came back by another profile.
    pub contacts: u32,
    /// Requests with their responses.
    pub exchanges: u32,
    /// Octets of bodies from the device.
    pub received: u64,
    /// Octets of bodies to the device.
    pub sent: u64,
}

impl Traffic {
    /// Whether nothing was moved.
    pub const fn is_empty(&self) -> bool {
        self.legs.is_empty()
    }

    fn add(&mut self, iccid: Option<Iccid>, part: &Exchange, contact: bool) {
        let same = |leg: &&mut Leg| leg.iccid == iccid && leg.transport == part.transport;
        if let Some(leg) = self.legs.iter_mut().find(same) {
            leg.contacts = leg.contacts.saturating_add(u32::from(contact));
            leg.exchanges = leg.exchanges.saturating_add(part.exchanges);
            leg.received = leg.received.saturating_add(part.received);
            leg.sent = leg.sent.saturating_add(part.sent);
            return;
        }
        self.legs.push(Leg {
            iccid,
            transport: part.transport,
            contacts: u32::from(contact),
            exchanges: part.exchanges,
            received: part.received,
            sent: part.sent,
        });
    }
}

/// What a message is about.
#[derive(Clone, Copy, Debug)]
pub enum About<'a> {
    /// It asks what is to be done.
    Poll,
    /// It is the result of what this transaction names, or of what the step says if it
    /// names none.
    Result(Option<&'a TransactionId>),
    /// It is a function of this relayed download.
    Download(&'a OperationId),
}

impl<R> Step<R> {
    /// Counts an exchange for the operations that it was about, which change by it even
    /// if the step left them as they were. `open` are those that the step was taken on.
    pub fn count(
        &mut self,
        open: &[Operation],
        about: About<'_>,
        exchange: impl FnOnce(&R) -> Exchange,
        now: Timestamp,
    ) {
        let ids = self.concerned(open, about);
        if ids.is_empty() {
            return;
        }
        let exchange = exchange(&self.reply);
        let iccid = self.record.enabled_profile();
        count(
            &mut self.operations,
            open,
            &ids,
            (&exchange, iccid),
            about,
            now,
        );
    }

    /// The operations that an exchange was about, in the order of their package.
    fn concerned(&self, open: &[Operation], about: About<'_>) -> Vec<OperationId> {
        let is_delivered =
            |operation: &&Operation| matches!(operation.state, OperationState::Delivered { .. });
        let changed = |operation: &&Operation| {
            let mut changed = self.operations.iter();
            changed.any(|now| now.id == operation.id && now.state_name() != operation.state_name())
        };
        let mut found: Vec<&Operation> = match about {
            About::Poll => self.operations.iter().filter(is_delivered).collect(),
            About::Result(Some(named)) => {
                let is_named = |operation: &&Operation| operation.transaction() == Some(named);
                open.iter().filter(is_named).collect()
            }
            About::Result(None) => open.iter().filter(is_delivered).filter(changed).collect(),
            About::Download(id) => open
                .iter()
                .filter(|operation| operation.id == *id)
                .collect(),
        };
        found.sort_by_key(|operation| operation.place());
        found
            .into_iter()
            .map(|operation| operation.id.clone())
            .collect()
    }
}

/// Counts an exchange for these operations, in this order; those that did not change
/// yet are added to `changed`.
fn count(
    changed: &mut Vec<Operation>,
    open: &[Operation],
    ids: &[OperationId],
    (exchange, iccid): (&Exchange, Option<Iccid>),
    about: About<'_>,
    now: Timestamp,
) {
    let awake = |operation: &Operation| {
        let last = operation.traffic.last;
        last.is_some_and(|last| now.since(last) < PAUSE)
    };
    let polls = matches!(about, About::Poll) && !open.iter().any(awake);
    let together = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    for (place, id) in ids.iter().enumerate() {
        if changed.iter().all(|operation| operation.id != *id) {
            changed.extend(open.iter().find(|operation| operation.id == *id).cloned());
        }
        let Some(operation) = changed.iter_mut().find(|operation| operation.id == *id) else {
            continue;
        };
        let traffic = &mut operation.traffic;
        let moved = traffic
            .legs
            .iter()
            .any(|leg| leg.iccid.is_some() && leg.iccid != iccid);
        let known = traffic.legs.iter().any(|leg| leg.iccid == iccid);
        // It came back by another profile.
        let contact = place == 0 && (polls || (iccid.is_some() && moved && !known));
        traffic.add(iccid, &part(exchange, place, u64::from(together)), contact);
        traffic.together = traffic.together.max(together);
        traffic.last = Some(now);
    }
}

/// What counts for the operation at this place of so many.
fn part(exchange: &Exchange, place: usize, of: u64) -> Exchange {
    Exchange {
        transport: exchange.transport,
        exchanges: match place {
            0 => exchange.exchanges,
            _ => 0,
        },
        received: divided(exchange.received, place, of),
        sent: divided(exchange.sent, place, of),
    }
}

/// The same of octets.
pub(super) fn divided(octets: u64, place: usize, of: u64) -> u64 {
    let of = of.max(1);
    match place {
        0 => octets / of + octets % of,
        _ => octets / of,
    }
}

impl Operation {
    /// The operation after one more exchange of its relayed download.
    #[must_use]
    pub fn relayed_by(&self, record: &EuiccRecord, exchange: &Exchange, now: Timestamp) -> Self {
        let mut operation = self.clone();
        operation
            .traffic
            .add(record.enabled_profile(), exchange, false);
        operation.traffic.together = operation.traffic.together.max(1);
        operation.traffic.relayed = true;
        operation.traffic.last = Some(now);
        operation
    }
}

impl EuiccRecord {
    /// The profile that is enabled, as far as is known: not if something may have
    /// changed since the eUICC said so, or if several are.
    pub fn enabled_profile(&self) -> Option<Iccid> {
        let list = self.profiles.as_ref().filter(|list| !list.stale)?;
        let mut enabled = list.profiles.iter().filter(|profile| profile.enabled);
        let first = enabled.next().filter(|_| enabled.next().is_none())?;
        first.iccid
    }
}

#[cfg(test)]
mod tests {
    use rsp_asn1::sgp32::{EimAcknowledgements, ProvideEimPackageResultResponse};

    use super::*;
    use crate::binding::esipa_asn1;
    use crate::eim::poll_nothing_pending;

    /// What the eIM brings is a request of its own, and what has nothing to say is none.
    #[test]
    fn what_is_brought_is_counted_as_it_is_sent() {
        let carried = Carried {
            transport: Transport::Coaps,
            binding: EsipaBinding::Asn1,
            received: 70,
            brought: true,
        };
        let numbers = EimAcknowledgements(alloc::vec![1, 300]);
        let taken = ProvideEimPackageResultResponse::EimAcknowledgements(numbers);
        let sent = transfer::acknowledgements(taken.clone()).unwrap();
        let sent = EsipaMessageFromEimToIpa::TransferEimPackageRequest(sent);
        let octets = esipa_asn1::encode_from_eim(&sent).body.len() as u64;
        let reply = EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(taken);
        let exchange = carried.brought(&reply);
        assert_eq!(
            (exchange.exchanges, exchange.received, exchange.sent),
            (1, 70, octets)
        );
        let nothing = EsipaMessageFromEimToIpa::GetEimPackageResponse(poll_nothing_pending());
        let exchange = carried.brought(&nothing);
        assert_eq!(
            (exchange.exchanges, exchange.received, exchange.sent),
            (0, 70, 0)
        );
    }

    #[test]
    fn what_is_divided_adds_up() {
        for of in 1..9 {
            for octets in [0, 1, 7, 8, 9, 1000, 12_345] {
                let exchange = Exchange {
                    transport: Transport::Https,
                    exchanges: 1,
                    received: octets,
                    sent: octets + 1,
                };
                let parts = (0..of).map(|place| part(&exchange, place as usize, of));
                let (mut exchanges, mut received, mut sent) = (0, 0, 0);
                for part in parts {
                    exchanges += part.exchanges;
                    received += part.received;
                    sent += part.sent;
                }
                assert_eq!((exchanges, received, sent), (1, octets, octets + 1));
            }
        }
    }
}
