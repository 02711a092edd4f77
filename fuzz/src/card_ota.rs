//! What comes to a card over the air: octets as a network brings them, and
//! commands that somebody with the operator's keys sends.

use euicc::{Environment, Euicc};
use rsp_crypto::Provider;
use rsp_crypto::software::{SeededRng, SoftwareProvider};

use crate::card::consumer_card;
use crate::input::pieces;

/// Most messages of one run.
const MAX_MESSAGES: usize = 32;

/// What the first octet of a piece says of the rest.
const RESET: u8 = 0;
const FOR_FILES: u8 = 1;
const FOR_THE_DOMAIN: u8 = 2;
const COMMAND: u8 = 3;
const PACKET: u8 = 4;
const ENVELOPE: u8 = 5;

const USIM_FILES: [u8; 3] = [0xB0, 0x01, 0x40];
const MNO_SD: [u8; 3] = [0xB2, 0x01, 0x00];
/// Octets of user data in a message.
const PART: usize = 134;

/// A card with the profile of our template, whose operator's keys are zero.
pub(crate) fn packets(data: &[u8]) {
    let mut card = consumer_card(true);
    for (counter, piece) in (1u64..).zip(pieces(data).take(MAX_MESSAGES)) {
        let Some((kind, rest)) = piece.split_first() else {
            continue;
        };
        match *kind {
            RESET => drop(card.reset()),
            FOR_FILES => deliver(&mut card, &protect(USIM_FILES, counter, rest)),
            FOR_THE_DOMAIN => deliver(&mut card, &protect(MNO_SD, counter, rest)),
            COMMAND => drop(transmit(&mut card, rest)),
            PACKET => deliver(&mut card, rest),
            ENVELOPE => envelope(&mut card, rest),
            _ => message(&mut card, rest),
        }
    }
}

fn transmit(card: &mut Euicc, apdu: &[u8]) -> Vec<u8> {
    let mut environment = Environment {
        provider: &SoftwareProvider,
        rng: &mut SeededRng::new(1),
    };
    let answer = card.transmit(apdu, &mut environment);
    assert!((2..=258).contains(&answer.len()), "{} octets", answer.len());
    answer
}

/// Sends a packet in as many parts as it takes.
fn deliver(card: &mut Euicc, packet: &[u8]) {
    let parts = packet.len().div_ceil(PART).clamp(1, 255);
    for (number, part) in (1u8..=255).zip(packet.chunks(PART)) {
        let mut data = vec![0x07, 0x00, 0x03, 0x01, parts as u8, number, 0x70, 0x00];
        if number > 1 {
            data.truncate(6);
            data[0] = 5;
        }
        data.extend(part);
        data.truncate(140);
        message(card, &data);
    }
}

/// User data in an SMS-DELIVER.
fn message(card: &mut Euicc, data: &[u8]) {
    let data = &data[..data.len().min(140)];
    let mut tpdu = vec![0x40, 0x02, 0x81, 0x21, 0x7F, 0xF6, 0, 0, 0, 0, 0, 0, 0];
    tpdu.push(data.len() as u8);
    tpdu.extend(data);
    let mut tlvs = vec![0x82, 2, 0x83, 0x81, 0x8B, 0x81, tpdu.len() as u8];
    tlvs.extend(tpdu);
    let mut download = vec![0xD1, 0x81, tlvs.len() as u8];
    download.extend(tlvs);
    envelope(card, &download);
}

/// An ENVELOPE, the report to it, and what the card asks for then.
fn envelope(card: &mut Euicc, data: &[u8]) {
    let data = &data[..data.len().min(255)];
    let mut apdu = vec![0x80, 0xC2, 0, 0, data.len() as u8];
    apdu.extend(data);
    if let [0x61, length] = transmit(card, &apdu)[..] {
        let report = transmit(card, &[0x00, 0xC0, 0, 0, length]);
        assert!(report.len() <= 130, "{} octets of report", report.len());
    }
    while let [.., 0x90, 0x00] = transmit(card, &[0x80, 0x12, 0, 0, 0])[..] {
        let performed = [0x81, 3, 1, 0x13, 0, 0x82, 2, 0x82, 0x81, 0x83, 1, 0];
        let mut apdu = vec![0x80, 0x14, 0, 0, performed.len() as u8];
        apdu.extend(performed);
        transmit(card, &apdu);
    }
}

/// Commands as the operator protects them: checksum, ciphering, counter.
fn protect(tar: [u8; 3], counter: u64, commands: &[u8]) -> Vec<u8> {
    let commands = &commands[..commands.len().min(2_000)];
    let padding = (14 + commands.len()).next_multiple_of(16) - 14 - commands.len();
    let length = 22 + commands.len() + padding;
    let mut head = (length as u16).to_be_bytes().to_vec();
    head.extend([21, 0x16, 0x39, 0x12, 0x12]);
    head.extend(tar);
    let mut rest = counter.to_be_bytes()[3..].to_vec();
    rest.push(padding as u8);
    let mut data = commands.to_vec();
    data.resize(data.len() + padding, 0);
    let checksum = SoftwareProvider.aes128_cmac(&[0; 16], &[&head, &rest, &data]);
    rest.extend(&checksum[..8]);
    rest.extend(data);
    SoftwareProvider
        .aes128_cbc_encrypt(&[0; 16], &[0; 16], &mut rest)
        .expect("whole blocks");
    [head, rest].concat()
}
