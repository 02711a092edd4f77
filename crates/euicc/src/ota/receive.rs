//! From a command packet to its response: who is meant, whether it counts, what
//! it does, what is answered.

use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_crypto::Provider;

use super::directory::{self, Application, Found};
use super::keys::Keys;
use super::response_packet::{Answer, OVERHEAD, PacketStatus};
use super::secured_packet::{CommandPacket, Opened};
use super::{counter, remote_application_management, remote_file_management, security_level};
use crate::personalisation::Environment;
use crate::state::Profile;
use crate::uicc::ChangedFiles;

/// The enabled profile, and what else its operator has to do with.
pub(super) struct Target<'a> {
    pub(super) profile: &'a mut Profile,
    /// The profile that has the Fallback Attribute.
    pub(super) fallback_holder: Option<Iccid>,
    /// Octets of memory left.
    pub(super) free_memory: usize,
    /// Files that the packet has changed.
    pub(super) changed: ChangedFiles,
}

/// A response packet as user data.
pub(super) struct Response {
    pub(super) octets: Vec<u8>,
    /// What the report says instead if these go in a message of their own.
    pub(super) sent_elsewhere: Vec<u8>,
    /// Whether the sender wants it in a message of its own.
    pub(super) wants_submit: bool,
}

/// A packet that counts.
struct Admitted {
    found: Found,
    keys: Keys,
    opened: Opened,
}

/// Why a packet does not count, with the keys of who sent it if that is known.
struct Refused {
    status: PacketStatus,
    sender: Option<(Keys, u64)>,
}

impl From<PacketStatus> for Refused {
    fn from(status: PacketStatus) -> Self {
        Refused {
            status,
            sender: None,
        }
    }
}

/// Executes a packet; `None` if nothing is answered. `room` is how many octets
/// a response may have.
pub(super) fn receive(
    target: &mut Target<'_>,
    packet: &[u8],
    room: usize,
    env: &mut Environment<'_>,
) -> Option<Response> {
    let packet = CommandPacket::read(packet)?;
    let (status, sender, data) = match admit(target, &packet, env.provider) {
        Err(refused) => (refused.status, refused.sender, Vec::new()),
        Ok(admitted) => {
            let room = room.saturating_sub(OVERHEAD);
            let data = execute(target, &admitted, room, env);
            let sender = (admitted.keys, admitted.opened.counter);
            (PacketStatus::PorOk, Some(sender), data)
        }
    };
    if !packet.response.is_wanted(status) {
        return None;
    }
    let answer = |status, data: &[u8]| {
        let answer = |counter| Answer {
            tar: packet.tar,
            counter,
            status,
            data,
        };
        match &sender {
            // Nothing is made with a key for somebody who has not shown it.
            None => answer(0).plain(),
            Some((keys, counter)) => {
                answer(*counter).protected(packet.response, keys, env.provider)
            }
        }
    };
    Some(Response {
        octets: answer(status, &data),
        sent_elsewhere: answer(PacketStatus::SentBySubmit, &[]),
        // Nor does anybody else make the device send messages.
        wants_submit: packet.response.by_submit() && sender.is_some(),
    })
}

/// Looks at protection and counter, and keeps the counter.
fn admit(
    target: &mut Target<'_>,
    packet: &CommandPacket<'_>,
    provider: &dyn Provider,
) -> Result<Admitted, Refused> {
    let uicc = &mut target.profile.uicc;
    let found = directory::find(uicc, packet.tar).ok_or(PacketStatus::TarUnknown)?;
    if !security_level::is_met(found.minimum_security_level, packet.command) {
        return Err(PacketStatus::InsufficientSecurityLevel.into());
    }
    let keys = Keys::of(&found.domain, packet)?;
    let opened = packet.open(&keys, provider)?;
    let domain = &found.domain.instance.instance_aid;
    let kept = uicc.ota_counter(domain, keys.version);
    let kept = kept.unwrap_or(keys.first_counter);
    match counter::check(packet.command, opened.counter, kept) {
        Ok(None) => {}
        Ok(Some(counter)) => uicc.set_ota_counter(domain, keys.version, counter),
        Err(status) => {
            return Err(Refused {
                status,
                sender: Some((keys, opened.counter)),
            });
        }
    }
    Ok(Admitted {
        found,
        keys,
        opened,
    })
}

fn execute(
    target: &mut Target<'_>,
    admitted: &Admitted,
    room: usize,
    env: &mut Environment<'_>,
) -> Vec<u8> {
    let commands = &admitted.opened.data;
    match &admitted.found.application {
        Application::Files(rfm) => {
            let uicc = &mut target.profile.uicc;
            let (response, changed) = remote_file_management::run(uicc, rfm, commands, room, env);
            target.changed = changed;
            response
        }
        Application::Domain => {
            let domain = &admitted.found.domain;
            remote_application_management::run(target, domain, commands, room)
        }
    }
}
