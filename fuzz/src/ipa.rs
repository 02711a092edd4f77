//! The IPA: whatever card and servers answer, it goes on.

use euicc::Environment;
use rsp_asn1::Extensions;
use rsp_asn1::rsp::{DeviceCapabilities, DeviceInfo};
use rsp_core::Timestamp;
use rsp_core::binding::HttpResponse;
use rsp_core::ipa::{Action, ActivationCode, Config, Input, Ipa};
use rsp_crypto::software::{SeededRng, SoftwareProvider};

use crate::card::new_card;
use crate::input::pieces;

/// Most answers of one run.
const MAX_ANSWERS: usize = 512;

/// An activation code as a person or an eIM gives it.
pub(crate) fn activation_code(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = text.parse::<ActivationCode>();
    }
}

fn ipa(now: Timestamp) -> Ipa {
    let device_info = DeviceInfo {
        tac: [0x35, 0x29, 0x06, 0x11],
        device_capabilities: DeviceCapabilities::none(),
        imei: None,
        extensions: Extensions::default(),
    };
    let mut config = Config::new(device_info, Vec::new());
    config.retry.times = 1;
    Ipa::new(config, None, now)
}

/// The answer to a POST, from a piece: the first octet is 200 less the status
/// that it stands for.
fn http(piece: &[u8]) -> HttpResponse {
    let (status, body) = piece.split_first().unwrap_or((&0, &[]));
    let mut response = HttpResponse::ok("", body.to_vec());
    response.status = 200 + u16::from(*status);
    response
}

/// Every answer is a piece of the input, those of the card too.
pub(crate) fn answers(data: &[u8]) {
    let mut now = Timestamp(1_800_000_000);
    let mut ipa = ipa(now);
    for piece in pieces(data).take(MAX_ANSWERS) {
        let input = match ipa.poll_action() {
            Some(Action::Apdu(_)) => Input::Apdu(Ok(piece.to_vec())),
            Some(Action::Http { .. }) => Input::Http(Ok(http(piece))),
            Some(Action::Persist(_)) => Input::Persisted(Ok(())),
            Some(Action::ResetCard) => Input::Reset(Ok(())),
            None => {
                now = ipa.poll_timeout().unwrap_or(now);
                Input::Wake
            }
        };
        ipa.handle(input, now);
        while ipa.poll_event().is_some() {}
    }
}

/// A card answers for itself; the servers' answers are pieces of the input.
/// The first piece is a command that the card gets before: AddInitialEim, for
/// one, without which there is no server.
pub(crate) fn with_card(data: &[u8]) {
    let mut card = new_card();
    let mut rng = SeededRng::new(2);
    let mut environment = Environment {
        provider: &SoftwareProvider,
        rng: &mut rng,
    };
    let mut pieces = pieces(data);
    for command in configure(pieces.next().unwrap_or_default()) {
        let _ = card.transmit(&command, &mut environment);
    }
    let now = Timestamp(1_800_000_000);
    let mut ipa = ipa(now);
    for _ in 0..MAX_ANSWERS {
        let input = match ipa.poll_action() {
            Some(Action::Apdu(apdu)) => Input::Apdu(Ok(card.transmit(&apdu, &mut environment))),
            Some(Action::Http { .. }) => match pieces.next() {
                Some(piece) => Input::Http(Ok(http(piece))),
                None => return,
            },
            Some(Action::Persist(_)) => Input::Persisted(Ok(())),
            Some(Action::ResetCard) => {
                card.reset();
                Input::Reset(Ok(()))
            }
            None => return,
        };
        ipa.handle(input, now);
    }
}

/// A function of the ISD-R on channel 1, in one block.
fn configure(function: &[u8]) -> Vec<Vec<u8>> {
    const ISD_R: [u8; 16] = [
        0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x01,
        0x00,
    ];
    let function = function.get(..255).unwrap_or(function);
    let mut select = vec![0x01, 0xA4, 0x04, 0x00, 0x10];
    select.extend(ISD_R);
    let mut store = vec![0x81, 0xE2, 0x91, 0x00, function.len() as u8];
    store.extend(function);
    let open = vec![0x00, 0x70, 0x00, 0x01, 0x00];
    let close = vec![0x00, 0x70, 0x80, 0x01, 0x00];
    vec![open, select, store, close]
}
