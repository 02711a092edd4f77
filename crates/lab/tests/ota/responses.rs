//! Proof of receipt: when, how protected, and by which way.

use lab::ota::{CounterRule, Proof, ProofOfReceipt, ScriptResponse, Security, expanded, submitted};
use rsp_crypto::software::SoftwareProvider;

use crate::bench::*;

/// TERMINAL PROFILE of a terminal that sends short messages.
const SENDS_MESSAGES: &str = "801000000400000002";

fn security(proof: Proof) -> Security {
    Security {
        proof,
        ..Security::FULL
    }
}

#[test]
fn the_proof_is_protected_as_the_command_asks() {
    let mut bench = Bench::new();
    for (checksum, ciphered) in [(false, false), (true, false), (false, true), (true, true)] {
        let proof = Proof {
            checksum,
            ciphered,
            ..Proof::SECURED
        };
        let answer = bench.run_as(USIM_FILES, security(proof), &hex(SELECT_FPLMN));
        assert_eq!((answer.status, answer.counter), (0, bench.keys.counter));
        assert_eq!(answer.is_authentic, checksum);
        assert_eq!(answer.data, hex("019000"));
    }
}

#[test]
fn the_proof_comes_when_it_is_wanted() {
    let mut bench = Bench::new();
    for (wanted, on_success, on_error) in [(0, false, false), (1, true, true), (2, false, true)] {
        let proof = Proof {
            wanted,
            ..Proof::SECURED
        };
        let commands = hex(SELECT_FPLMN);
        let packet = bench
            .keys
            .protect(USIM_FILES, security(proof), &commands, &SoftwareProvider);
        let first = bench.deliver(&packet);
        let again = bench.deliver(&packet);
        assert_eq!((first.status, again.status), (0x9000, 0x9000));
        assert_eq!(!first.report.is_empty(), on_success, "{wanted}");
        assert_eq!(!again.report.is_empty(), on_error, "{wanted}");
    }
}

#[test]
fn a_checksum_alone_is_enough_where_the_application_says_so() {
    // Ours does not: it wants ciphering and a counter.
    let mut bench = Bench::new();
    for (ciphered, counter) in [
        (false, CounterRule::Higher),
        (true, CounterRule::None),
        (true, CounterRule::Unchecked),
    ] {
        let weak = Security {
            ciphered,
            counter,
            ..Security::FULL
        };
        let answer = bench.run_as(USIM_FILES, weak, &hex(SELECT_FPLMN));
        assert_eq!((answer.status, answer.is_authentic), (0x0A, false));
    }
    let one_higher = Security {
        counter: CounterRule::OneHigher,
        ..Security::FULL
    };
    bench.run(USIM_FILES, &hex(SELECT_FPLMN));
    assert_eq!(
        bench
            .run_as(USIM_FILES, one_higher, &hex(SELECT_FPLMN))
            .status,
        0
    );
    bench.keys.counter += 1;
    assert_eq!(
        bench
            .run_as(USIM_FILES, one_higher, &hex(SELECT_FPLMN))
            .status,
        0x03
    );
}

/// Fetches what the card wants sent, and answers that it was.
fn fetch_messages(bench: &mut Bench) -> Vec<Vec<u8>> {
    let mut commands = Vec::new();
    loop {
        let answer = bench.apdu(&hex("8012000000"));
        let [command @ .., 0x90, 0x00] = &answer[..] else {
            return commands;
        };
        let details = command.windows(2).position(|tag| tag == [0x81, 0x03]);
        let number = command[details.unwrap() + 2];
        let performed = format!("801400000C8103{number:02X}130082028281830100");
        assert_eq!(bench.send(&performed)[..1], *"9");
        commands.push(command.to_vec());
    }
}

#[test]
fn a_proof_goes_in_a_message_of_its_own() {
    let proof = Proof {
        by_submit: true,
        ..Proof::SECURED
    };
    let mut bench = Bench::new();
    // A terminal that has not said that it can is not asked.
    let answer = bench.run_as(USIM_FILES, security(proof), &hex(SELECT_FPLMN));
    assert_eq!(answer.data, hex("019000"));

    bench.send(SENDS_MESSAGES);
    let commands = hex(SELECT_FPLMN);
    let packet = bench
        .keys
        .protect(USIM_FILES, security(proof), &commands, &SoftwareProvider);
    let delivered = bench.deliver(&packet);
    assert_eq!((delivered.status >> 8, delivered.report.len()), (0x91, 0));
    let messages = fetch_messages(&mut bench);
    let packet = submitted(&messages).unwrap();
    let answer = bench.proof(&packet, security(proof));
    assert_eq!((answer.status, answer.is_authentic), (0, true));
    assert_eq!(answer.data, hex("019000"));
}

#[test]
fn what_is_too_long_for_the_report_is_sent_or_cut() {
    let mut bench = Bench::new();
    let script_of = |count: usize| {
        let mut commands = vec![hex("00A4000C026F60")];
        commands.extend(vec![hex("00B0000028"); count]);
        expanded(&commands)
    };
    // 40 octets five times: the report has room for two.
    let proof = bench.run(USIM_FILES, &script_of(5));
    let cut = ScriptResponse::read(&proof.data).unwrap();
    assert_eq!(cut.last().unwrap().1, 0x62F1);
    assert!(cut.executed < 6, "{}", cut.executed);

    bench.send(SENDS_MESSAGES);
    let packet = bench
        .keys
        .protect(USIM_FILES, Security::FULL, &script_of(5), &SoftwareProvider);
    let delivered = bench.deliver(&packet);
    let report = bench.proof(&delivered.report, Security::FULL);
    assert_eq!(
        (report.status, report.is_authentic, report.data.len()),
        (0x0B, true, 0)
    );
    let messages = fetch_messages(&mut bench);
    assert_eq!(messages.len(), 2);
    let packet = submitted(&messages).unwrap();
    let whole: ProofOfReceipt = bench.proof(&packet, Security::FULL);
    let whole = ScriptResponse::read(&whole.data).unwrap();
    assert_eq!((whole.executed, whole.responses.len()), (6, 5));
    assert!(
        whole
            .responses
            .iter()
            .all(|(data, status)| data.len() == 40 && *status == 0x9000)
    );
}

#[test]
fn a_terminal_reads_again_what_has_changed() {
    let mut bench = Bench::new();
    // It knows REFRESH and sends no messages.
    bench.send("8010000003000080");
    let commands = [
        SELECT_FPLMN,
        NO_FPLMN,
        NO_FPLMN,
        "00A4000C026F60",
        READ_FPLMN,
    ];
    let commands = script(&commands).concat();
    let packet = bench
        .keys
        .protect(USIM_FILES, Security::FULL, &commands, &SoftwareProvider);
    let delivered = bench.deliver(&packet);
    assert_eq!(delivered.status >> 8, 0x91);
    let proof = bench.proof(&delivered.report, Security::FULL);
    assert_eq!(proof.data[..3], hex("059000"));
    // File Change Notification: one file, in the ADF of this AID.
    let fetched = bench.send(&format!("80120000{:02X}", delivered.status & 0xFF));
    let files = "9207013F007FFF6F7B9F0CA0000000871002FF49FFFF89";
    assert_eq!(fetched, format!("D020810301010182028182{files}9000"));
    assert_eq!(bench.send("801400000C810301010182028281830100"), "9000");
    // The profile goes on, and reading changes nothing.
    let packet = bench.keys.protect(
        USIM_FILES,
        Security::FULL,
        &hex(SELECT_FPLMN),
        &SoftwareProvider,
    );
    assert_eq!(bench.deliver(&packet).status, 0x9000);
    assert_eq!(bench.send(SELECT_FPLMN), "9000");
    // A terminal that has not said that it knows it is not asked.
    let mut bench = Bench::new();
    assert_eq!(
        bench.compact(USIM_FILES, &[SELECT_FPLMN, NO_FPLMN]).2,
        0x9000
    );
}
