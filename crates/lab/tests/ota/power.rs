//! Power that fails while a packet is executed: counter, files and metadata are
//! those of before it or those of after it.

use lab::ota::Security;
use rsp_crypto::software::SoftwareProvider;

use crate::bench::*;

#[test]
fn a_script_and_its_counter_are_written_together() {
    let mut bench = Bench::new();
    bench.forbid_a_network();
    let before = (bench.journal.clone(), bench.image());
    let commands = [
        hex(SELECT_FPLMN),
        hex(NO_FPLMN),
        hex("00A4000C026F60"),
        hex("00D600000562F2104000"),
        hex("00A4000C026F78"),
        hex("00D6000002000F"),
    ]
    .concat();
    let packet = bench
        .keys
        .protect(USIM_FILES, Security::FULL, &commands, &SoftwareProvider);
    let delivered = bench.deliver(&packet);
    assert_eq!(
        bench.proof(&delivered.report, Security::FULL).data,
        hex("069000")
    );
    let after = (bench.journal.clone(), bench.image());
    assert!(after.0.starts_with(&before.0) && after.1 != before.1);

    for length in before.0.len()..=after.0.len() {
        bench.power_cut(&after.0[..length]);
        let whole = length == after.0.len();
        let expected = if whole { &after.1 } else { &before.1 };
        assert!(bench.image() == *expected, "cut at {length}");
        // What did not happen can be sent again, what did cannot.
        let delivered = bench.deliver(&packet);
        let proof = bench.proof(&delivered.report, Security::FULL);
        assert_eq!(proof.status, if whole { 0x02 } else { 0x00 });
        assert!(bench.image() == after.1);
    }
}

#[test]
fn nothing_is_written_for_parts() {
    let mut bench = Bench::new();
    let commands = hex(SELECT_FPLMN).repeat(40);
    let packet = bench
        .keys
        .protect(USIM_FILES, Security::FULL, &commands, &SoftwareProvider);
    let journal = bench.journal.len();
    let envelopes = lab::ota::envelopes(&packet, 3);
    for envelope in &envelopes[..envelopes.len() - 1] {
        bench.apdu(envelope);
    }
    assert_eq!(bench.journal.len(), journal);
    bench.apdu(&envelopes[envelopes.len() - 1]);
    assert!(bench.journal.len() > journal);
}
