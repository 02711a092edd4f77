//! What the operator of the enabled profile does over the air (ES6 of SGP.22
//! and SGP.32): secured packets of SCP80 in short messages.
//!
//! | file | what |
//! |---|---|
//! | `short_message` | SMS-PP download and what answers it (3GPP TS 31.111 7.1.1, TS 23.040) |
//! | `concatenation` | short messages in parts |
//! | `secured_packet` | command packets (ETSI TS 102 225 5.1, 3GPP TS 31.115 4) |
//! | `response_packet` | proof of receipt (TS 102 225 5.2) |
//! | `security_level`, `counter`, `keys` | what a packet must have before it counts |
//! | `directory` | who is meant by a TAR, and with which keys |
//! | `script`, `compact`, `expanded` | commands in a packet, their responses (TS 102 226 5) |
//! | `remote_file_management` | TS 102 226 7 |
//! | `remote_application_management` | TS 102 226 8, as far as it goes without applications |
//! | `update_metadata` | ES6.UpdateMetadata (SGP.22 5.4.1) |
//!
//! A terminal that knows REFRESH is told which files have changed (3GPP TS 31.111
//! 6.4.7).
//!
//! Nothing here outlasts power but what a script has changed and the counters
//! of key sets, which are written together: after a cut a packet was executed
//! whole, or can be sent again. There is no HTTPS (SCP81).

mod compact;
mod concatenation;
mod counter;
mod directory;
mod expanded;
mod keys;
mod receive;
mod remote_application_management;
mod remote_file_management;
mod response_packet;
mod script;
mod secured_packet;
mod security_level;
mod short_message;
mod update_metadata;

use alloc::vec::Vec;

use rsp_asn1::{Tag, Tlv};

use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::uicc::ChangedFiles;
use concatenation::Parts;
use receive::{Response, Target};
use short_message::{Deliver, Submit};

/// SMS-PP DOWNLOAD (3GPP TS 31.111 7.1.1.2).
const SMS_PP_DOWNLOAD: Tag = Tag::new(0xD1);

/// Octets of user data that the report to a short message carries.
const MAX_REPORT: usize = 128;

/// What is under way; nothing of it outlasts power.
#[derive(Default)]
pub(crate) struct Ota {
    parts: Parts,
    /// Reference of the next response in parts.
    reference: u8,
}

/// Whether the data of an ENVELOPE are a short message for the card.
pub(crate) fn is_sms_pp_download(data: &[u8]) -> bool {
    Tlv::parse(data).is_ok_and(|envelope| envelope.tag == SMS_PP_DOWNLOAD)
}

/// ENVELOPE (SMS-PP DOWNLOAD): gives the user data of the report, if there is
/// one. A message that is not for the card is taken without effect.
///
/// # Errors
/// If it is no short message.
pub(crate) fn sms_pp_download(
    isdr: &mut Isdr,
    data: &[u8],
    env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let envelope = Tlv::parse(data).map_err(|_| Status::INCORRECT_DATA)?;
    let message = Deliver::read(&envelope).ok_or(Status::INCORRECT_DATA)?;
    if !message.is_for_the_card() {
        return Ok(Vec::new());
    }
    let profile = isdr.state.enabled();
    let number = profile.ok_or(Status::CONDITIONS_NOT_SATISFIED)?.number;
    let Some(packet) = isdr.ota.parts.push(number, &message)? else {
        return Ok(Vec::new());
    };
    let submits = isdr.toolkit.knows_short_messages();
    let room = match submits {
        true => Submit::MAX_RESPONSE,
        false => MAX_REPORT,
    };
    let free_memory = isdr.free_memory();
    let fallback_holder = isdr.state.mechanisms.fallback;
    let Some(profile) = isdr.state.enabled_mut() else {
        return Err(Status::CONDITIONS_NOT_SATISFIED);
    };
    let mut target = Target {
        profile,
        fallback_holder,
        free_memory,
        changed: ChangedFiles::default(),
    };
    let response = receive::receive(&mut target, &packet, room, env);
    let changed = target.changed;
    let report = response.map(|response| send(isdr, message.originator, response, submits));
    if !changed.paths.is_empty() && isdr.toolkit.knows_refresh() == Some(true) {
        isdr.toolkit.ask_to_read_again(changed);
    }
    Ok(report.unwrap_or_default())
}

/// Takes a response on its way: gives what goes in the report.
fn send(isdr: &mut Isdr, to: &[u8], response: Response, submits: bool) -> Vec<u8> {
    let in_report = !(response.wants_submit && submits);
    if in_report && response.octets.len() <= MAX_REPORT {
        return response.octets;
    }
    let reference = isdr.ota.reference;
    isdr.ota.reference = reference.wrapping_add(1);
    for submit in Submit::of(to, &response.octets, reference) {
        isdr.toolkit.ask_to_send(submit);
    }
    match in_report {
        true => response.sent_elsewhere,
        false => Vec::new(),
    }
}

/// A published exchange with a real card (the AES-128 example in the unit tests
/// of pySim): TAR B00011, SPI 06 19, key set 2, no counter, SELECT of the MF,
/// which the card answered with '6132'.
#[cfg(test)]
mod tests {
    use rsp_asn1::saip::{KeyComponent, KeyObject, Secret, SecurityDomain};
    use rsp_asn1::{Asn1, Extensions};
    use rsp_crypto::software::SoftwareProvider;

    use super::keys::Keys;
    use super::response_packet::{Answer, PacketStatus};
    use super::secured_packet::CommandPacket;
    use super::*;

    const COMMAND: &str =
        "00281506192222B00011E87CCEEBB2D93083011CE294F93FC4D8DE80DA1ABAE8C37CA3E72EC4432E5058";
    const RESPONSE: &str =
        "027100002412B00011EBC6B497E2CAD7AEDF36ACE0E3A29B38853F0FE9CCDE81913BE5702B73ABCE1F";

    fn hex(text: &str) -> Vec<u8> {
        let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(digit).collect()
    }

    fn key(identifier: u8, octets: &str) -> KeyObject {
        KeyObject {
            key_usage_qualifier: Vec::from([0x18]),
            key_access: [0],
            key_identifier: [identifier],
            key_version_number: [2],
            key_counter_value: None,
            key_components: Vec::from([KeyComponent {
                key_type: Vec::from([0x88]),
                key_data: Secret(hex(octets)),
                mac_length: 8,
                extensions: Extensions::default(),
            }]),
            extensions: Extensions::default(),
        }
    }

    fn domain() -> SecurityDomain {
        // No more than must be there.
        let mut domain = SecurityDomain::from_der(&hex(
            "3024A003810101A11D4F05A0000000014F05A0000000024F05A00000000382010083010FC900",
        ))
        .unwrap_or_else(|error| panic!("{error}"));
        domain.key_list = Some(Vec::from([
            key(1, "200102030405060708090A0B0C0D0E0F"),
            key(2, "201102030405060708090A0B0C0D0E0F"),
        ]));
        domain
    }

    #[test]
    fn a_published_command_opens_and_its_response_comes_out() {
        let packet = hex(COMMAND);
        let packet = CommandPacket::read(&packet).unwrap();
        assert_eq!(packet.tar, [0xB0, 0x00, 0x11]);
        let keys = Keys::of(&domain(), &packet).ok().unwrap();
        let opened = packet.open(&keys, &SoftwareProvider).ok().unwrap();
        assert_eq!(opened.data, hex("00A40004023F00"));
        assert_eq!(opened.counter, 0);

        let answer = Answer {
            tar: packet.tar,
            counter: 0,
            status: PacketStatus::PorOk,
            data: &hex("016132"),
        };
        let response = answer.protected(packet.response, &keys, &SoftwareProvider);
        assert_eq!(response, hex(RESPONSE));
    }

    #[test]
    fn each_changed_bit_of_a_command_is_noticed() {
        let domain = domain();
        for at in 0..hex(COMMAND).len() * 8 {
            let mut packet = hex(COMMAND);
            packet[at / 8] ^= 0x80 >> (at % 8);
            let opened = CommandPacket::read(&packet).is_some_and(|packet| {
                let keys = Keys::of(&domain, &packet);
                keys.is_ok_and(|keys| packet.open(&keys, &SoftwareProvider).is_ok())
            });
            assert!(!opened, "bit {at}");
        }
        for length in 0..hex(COMMAND).len() {
            assert!(CommandPacket::read(&hex(COMMAND)[..length]).is_none());
        }
    }
}
