//! Whatever a network brings: bounded, and without effect unless it is the
//! operator's.

use lab::ota::{Proof, ScriptResponse, Security, envelopes, expanded};
use rsp_crypto::software::SoftwareProvider;

use crate::bench::*;

fn clearing(bench: &mut Bench) -> Vec<u8> {
    let commands = [hex(SELECT_FPLMN), hex(NO_FPLMN)].concat();
    bench
        .keys
        .protect(USIM_FILES, Security::FULL, &commands, &SoftwareProvider)
}

const FORBIDDEN: &str = "62F210FFFFFFFFFFFFFFFFFF9000";

#[test]
fn a_packet_counts_once() {
    let mut bench = Bench::new();
    let packet = clearing(&mut bench);
    assert_eq!(bench.deliver(&packet).status, 0x9000);
    bench.forbid_a_network();
    let (image, journal) = (bench.image(), bench.journal.len());
    for _ in 0..3 {
        let delivered = bench.deliver(&packet);
        let proof = bench.proof(&delivered.report, Security::FULL);
        assert_eq!((proof.status, proof.is_authentic), (0x02, true));
        assert!(proof.data.is_empty());
    }
    assert_eq!((bench.image(), bench.journal.len()), (image, journal));
    // Nor after a power cut, and the next one counts.
    bench.power_cut(&bench.journal.clone());
    let delivered = bench.deliver(&packet);
    assert_eq!(bench.proof(&delivered.report, Security::FULL).status, 0x02);
    assert_eq!(bench.forbidden_networks(), FORBIDDEN);
    assert_eq!(bench.run(USIM_FILES, &hex(SELECT_FPLMN)).status, 0);
}

#[test]
fn a_key_set_whose_counter_is_at_its_end_is_blocked() {
    let mut bench = Bench::new();
    bench.keys.counter = 0xFF_FFFF_FFFE;
    assert_eq!(bench.run(USIM_FILES, &hex(SELECT_FPLMN)).status, 0);
    bench.keys.counter -= 1;
    assert_eq!(bench.run(USIM_FILES, &hex(SELECT_FPLMN)).status, 0x04);
}

#[test]
fn one_changed_bit_has_no_effect() {
    let mut bench = Bench::new();
    let packet = clearing(&mut bench);
    bench.forbid_a_network();
    let (image, journal) = (bench.image(), bench.journal.len());
    for bit in 0..packet.len() * 8 {
        let mut changed = packet.clone();
        changed[bit / 8] ^= 0x80 >> (bit % 8);
        let delivered = bench.deliver(&changed);
        assert_eq!(delivered.status, 0x9000);
        // A status at most, made without a key.
        if let [0x02, 0x71, 0x00, report @ ..] = &delivered.report[..] {
            assert_eq!((report[2], report.len()), (10, 13), "bit {bit}");
            assert!(matches!(report[12], 0x01 | 0x05 | 0x06 | 0x09 | 0x0A));
        }
        assert_eq!(bench.journal.len(), journal, "bit {bit}");
    }
    for length in 0..packet.len() {
        assert!(bench.deliver(&packet[..length]).report.is_empty());
    }
    assert_eq!(bench.image(), image);
    assert_eq!(bench.deliver(&packet).status, 0x9000);
    assert_eq!(bench.forbidden_networks(), "FFFFFFFFFFFFFFFFFFFFFFFF9000");
}

#[test]
fn who_is_not_known_is_told_a_status_and_costs_no_message() {
    let mut bench = Bench::new();
    bench.send("801000000400000002");
    let by_submit = Security {
        proof: Proof {
            by_submit: true,
            ..Proof::SECURED
        },
        ..Security::FULL
    };
    let unprotected = Security {
        checksum: false,
        ..by_submit
    };
    let stranger = {
        let mut keys = keys();
        keys.checksum = [0x99; 16];
        keys
    };
    let other_version = {
        let mut keys = keys();
        keys.version = 2;
        keys
    };
    let image = bench.image();
    let commands = hex(SELECT_FPLMN);
    for (keys, tar, security, status) in [
        (&stranger, USIM_FILES, by_submit, 0x01),
        (&keys(), [0xB0, 0x01, 0x41], by_submit, 0x09),
        (&keys(), [0x00; 3], by_submit, 0x09),
        (&keys(), USIM_FILES, unprotected, 0x0A),
        (&other_version, USIM_FILES, by_submit, 0x06),
    ] {
        let packet = keys.protect_again(tar, security, &commands, &SoftwareProvider);
        let delivered = bench.deliver(&packet);
        assert_eq!(delivered.status, 0x9000);
        let proof = bench.proof(&delivered.report, security);
        assert_eq!((proof.status, proof.is_authentic), (status, false));
        assert_eq!((proof.tar, proof.counter), (tar, 0));
    }
    assert_eq!(bench.image(), image);
    assert_eq!(bench.send("8012000000"), "6D00", "nothing to fetch");
}

#[test]
fn messages_that_are_not_for_the_card_have_no_effect() {
    let mut bench = Bench::new();
    let packet = clearing(&mut bench);
    bench.forbid_a_network();
    let envelope = envelopes(&packet, 1).remove(0);
    let at = envelope
        .windows(2)
        .position(|pair| pair == [0x7F, 0xF6])
        .unwrap();
    for pair in [[0x00, 0xF6], [0x7F, 0x04], [0x7F, 0xF5]] {
        let mut other = envelope.clone();
        other[at..at + 2].copy_from_slice(&pair);
        assert_eq!(bench.apdu(&other), [0x90, 0x00]);
    }
    // Without the element that names a command packet.
    let mut other = envelope.clone();
    let at = other
        .windows(3)
        .position(|part| part == [0x02, 0x70, 0x00])
        .unwrap();
    other[at + 1] = 0x71;
    assert_eq!(bench.apdu(&other), [0x90, 0x00]);
    // Cut anywhere, or with any octet changed, there is an answer.
    for length in 5..envelope.len() {
        let mut cut = envelope[..length].to_vec();
        cut[4] = (length - 5) as u8;
        bench.apdu(&cut);
    }
    assert_eq!(bench.forbidden_networks(), FORBIDDEN);
    // The packet is protected, what is around it is not.
    for at in 5..envelope.len() {
        let mut changed = envelope.clone();
        changed[at] ^= 0xFF;
        assert!(bench.apdu(&changed).len() >= 2);
    }
}

/// A message in parts with this header element.
fn part(reference: u8, of: u8, number: u8, data: &[u8]) -> Vec<u8> {
    let mut apdu = envelopes(data, 0).remove(0);
    let at = apdu
        .windows(3)
        .position(|part| part == [0x02, 0x70, 0x00])
        .unwrap();
    let header = [0x07, 0x00, 0x03, reference, of, number, 0x70, 0x00];
    apdu.splice(at..at + 3, header);
    // Lengths of the user data, the TPDU, the envelope and the command.
    apdu[at - 1] += 5;
    let tpdu = apdu.iter().position(|octet| *octet == 0x8B).unwrap();
    for length in [tpdu + 1, 6, 4] {
        apdu[length] += 5;
    }
    apdu
}

#[test]
fn parts_come_in_any_order_and_within_bounds() {
    let mut bench = Bench::new();
    let mut long = [hex(SELECT_FPLMN), hex(NO_FPLMN)].concat();
    for _ in 0..40 {
        long.extend(hex(SELECT_FPLMN));
    }
    let packet = bench
        .keys
        .protect(USIM_FILES, Security::FULL, &long, &SoftwareProvider);
    bench.forbid_a_network();
    let mut parts = envelopes(&packet, 9);
    assert_eq!(parts.len(), 3);
    parts.reverse();
    // Twice the same, and others in between, of which there are too many.
    for number in 1..=20 {
        assert_eq!(bench.apdu(&part(100, 200, number, &[1; 20])), [0x6A, 0x84]);
    }
    assert_eq!(bench.apdu(&parts[0]), [0x90, 0x00]);
    assert_eq!(bench.apdu(&part(101, 20, 3, &[1; 20])), [0x90, 0x00]);
    assert_eq!(bench.apdu(&parts[0]), [0x90, 0x00]);
    assert_eq!(bench.apdu(&parts[1]), [0x90, 0x00]);
    assert_eq!(bench.forbidden_networks(), FORBIDDEN);
    assert_eq!(bench.apdu(&parts[2])[0], 0x61);
    assert_eq!(bench.forbidden_networks(), "FFFFFFFFFFFFFFFFFFFFFFFF9000");

    // Who begins message after message drives out the others and nothing else.
    bench.forbid_a_network();
    let packet = bench
        .keys
        .protect(USIM_FILES, Security::FULL, &long, &SoftwareProvider);
    let parts = envelopes(&packet, 10);
    bench.apdu(&parts[0]);
    for reference in 20..60 {
        assert_eq!(bench.apdu(&part(reference, 20, 1, &[1; 60])), [0x90, 0x00]);
    }
    for rest in &parts[1..] {
        assert_eq!(bench.apdu(rest), [0x90, 0x00]);
    }
    assert_eq!(bench.forbidden_networks(), FORBIDDEN);
    // And power loss forgets them all.
    bench.power_cut(&bench.journal.clone());
    bench.apdu(&parts[0]);
    bench.power_cut(&bench.journal.clone());
    for rest in &parts[1..] {
        assert_eq!(bench.apdu(rest), [0x90, 0x00]);
    }
    assert_eq!(bench.forbidden_networks(), FORBIDDEN);
    assert_eq!(bench.deliver(&packet).status, 0x9000);
    assert_eq!(bench.forbidden_networks(), "FFFFFFFFFFFFFFFFFFFFFFFF9000");
}

#[test]
fn endless_and_broken_scripts_end() {
    let mut bench = Bench::new();
    let commands = hex("00A4000C023F00").repeat(300);
    let proof = bench.run(USIM_FILES, &commands);
    assert_eq!(proof.data, hex("FF6A84"));
    // A command that is cut.
    let proof = bench.run(USIM_FILES, &hex("00A4000C023F0000D600000C"));
    assert_eq!(proof.data, hex("026700"));
    let proof = bench.run(USIM_FILES, &[]);
    assert_eq!(proof.data, hex("009000"));
    // Templates: an unknown tag, a length that is too long, one that is none.
    for (template, executed, bad_format) in [
        ("AA0C220700A4000C023F0033017F", 1, Some(1)),
        ("AA0B220700A4000C023F002205", 1, Some(2)),
        ("AA20220700A4000C023F00", 0, Some(2)),
        ("AA0B220700A4000C023F0022FF", 1, Some(3)),
        ("AA00", 0, None),
    ] {
        let proof = bench.run(USIM_FILES, &hex(template));
        let response = ScriptResponse::read(&proof.data).unwrap();
        assert_eq!(
            (response.executed, response.bad_format),
            (executed, bad_format),
            "{template}"
        );
    }
    // Immediate actions and chaining there are not; no command has no header.
    let proof = bench.run(USIM_FILES, &hex("AA03810101"));
    assert_eq!(proof.data, hex("AB06800100810101"));
    let proof = bench.run(USIM_FILES, &hex("AA03830101"));
    assert_eq!(proof.data, hex("AB06800100830102"));
    let proof = bench.run(USIM_FILES, &expanded(&[vec![0x00, 0xA4]]));
    assert_eq!(proof.data, hex("AB0780010123026700"));
    let proof = bench.run(USIM_FILES, &hex("AE80220700A4000C023F000000"));
    assert_eq!(proof.data, hex("AF80230290000000"));
    // What opens to nothing that makes sense, to either application.
    for seed in 0..=255u8 {
        let noise: Vec<u8> = (0..60).map(|n: u8| n.wrapping_mul(seed) ^ seed).collect();
        for tar in [USIM_FILES, MNO_SD] {
            assert_eq!(bench.run(tar, &noise).status, 0);
        }
    }
}
