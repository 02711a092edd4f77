//! What the terminal has to do with a switch of profiles: REFRESH where the
//! device asks for one, nothing where it does not (SGP.32 5.9.15 to 5.9.23),
//! and cards that want a reset after one.

use rsp_asn1::Asn1;
use rsp_asn1::sgp32::{
    EuiccPackageResult, EuiccResultData, ProfileRollbackCmdResult, ProfileRollbackResponse,
};

use crate::common::{Host, hex, personalisation};
use crate::eims::Eim;
use crate::mechanisms::{C, with_fallback};
use crate::packages::{A, B, codes, enable, enable_with_rollback, psmo};
use crate::pki::Pki;

/// TERMINAL PROFILE of a terminal that knows REFRESH, and of one that does not.
const KNOWS_REFRESH: &str = "8010000003FFFFFF";
const WITHOUT_REFRESH: &str = "8010000003FFFF7F";
const FETCH: &str = "801200000B";
/// UICC Reset.
const REFRESH: &str = "D009810301010482028182";
const DONE: &str = "801400000C810301010482028281830100";
const NOT_POSSIBLE: &str = "801400000C810301010482028281830120";

impl Host {
    /// The states of the profiles, whatever the status word says.
    fn enabled_flags(&mut self) -> Vec<u8> {
        let (list, _) = self.es10c(&hex("BF2D045C029F70"));
        list[5..].chunks(6).map(|entry| entry[5]).collect()
    }

    /// The terminal does what it is asked for.
    fn refresh(&mut self) {
        assert_eq!(self.send(FETCH), (hex(REFRESH), 0x9000));
        assert_eq!(self.send(DONE).1, 0x9000);
        // Logical channels are closed.
        assert_eq!(self.apdu(&[self.channel, 0xC0, 0, 0, 0]).1, 0x6881);
        self.open();
    }
}

/// A terminal that knows REFRESH in front of a card whose fallback is A, with B
/// enabled.
fn in_a_terminal() -> (Host, Eim) {
    let (mut host, mut eim) = with_fallback();
    assert_eq!(host.send(KNOWS_REFRESH).1, 0x9000);
    let list = psmo("A8", A) + &enable(B);
    assert_eq!(codes(&host.run(&mut eim, &list)), [0, 0]);
    (host, eim)
}

/// Until the terminal has done it, the old profile stays and everything that
/// would switch is busy.
#[test]
fn with_refresh_the_terminal_decides_when() {
    let (mut host, mut eim) = in_a_terminal();
    let (answer, status) = host.es10c(&hex("BF5D038001FF"));
    assert_eq!((answer, status), (hex("BF5D03800100"), 0x910B));
    assert_eq!(host.enabled_flags(), [0, 1, 0]);
    for (command, busy) in [
        ("BF5D038001FF", "BF5D03800105"),
        ("BF5E03800100", "BF5E03800106"),
        ("BF58038001FF", "BF5803020105"),
        ("BF640482020780", "BF6403800105"),
    ] {
        assert_eq!(host.es10c(&hex(command)).0, hex(busy), "{command}");
    }
    // A package is executed, but what would switch is busy.
    let mut results = |list: &str| {
        let (answer, status) = host.es10c(&eim.package(&hex(list)));
        assert_eq!(status, 0x910B);
        match EuiccPackageResult::from_der(&answer).unwrap() {
            EuiccPackageResult::Signed(result) => codes(&eim.verified(&result).euicc_result),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(results(&enable(A)), [5]);
    assert_eq!(results(&psmo("A4", B)), [5]);
    assert_eq!(results(&psmo("A5", A)), [127]);
    assert_eq!(results("A900"), [127]);
    assert_eq!(results("BF2D00"), [2003]);
    // The terminal cannot now, and is asked again.
    assert_eq!(host.send(FETCH), (hex(REFRESH), 0x9000));
    assert_eq!(host.send(NOT_POSSIBLE).1, 0x910B);
    host.refresh();
    assert_eq!(host.enabled_flags(), [1, 0, 0]);
    assert_eq!(host.send(FETCH).1 >> 8, 0x6D, "nothing to fetch");
    // The way back is there.
    assert_eq!(host.es10c(&hex("BF5E038001FF")).1, 0x910B);
    host.refresh();
    assert_eq!(host.enabled_flags(), [0, 1, 0]);
}

/// The functions that a REFRESH of another one keeps waiting: each of them is
/// in a state in which it would be done otherwise.
#[test]
fn each_mechanism_is_busy_while_a_refresh_is_waited_for() {
    let (mut host, mut eim) = in_a_terminal();
    host.install_with("89103000000000000043", |m| m.ecall_indication = Some(true));
    assert_eq!(codes(&host.run(&mut eim, "A7028000")), [0]);
    host.install("89103000000000000050");
    assert_eq!(host.es10c(&hex("BF5D038001FF")).1, 0x910B);
    for (command, busy) in [
        ("BF5A038001FF", "BF5A03800105"),
        ("BF5B038001FF", "BF5B03800105"),
    ] {
        assert_eq!(host.es10c(&hex(command)).0, hex(busy), "{command}");
    }
    // Nor does the attribute move from the profile that is about to be used.
    let (answer, _) = host.es10c(&eim.package(&hex(&psmo("A8", C))));
    let EuiccPackageResult::Signed(result) = EuiccPackageResult::from_der(&answer).unwrap() else {
        panic!("not signed");
    };
    assert_eq!(codes(&eim.verified(&result).euicc_result), [127]);
    host.refresh();
    assert_eq!(host.enabled_flags(), [1, 0, 0, 0, 0]);
    // The fallback is in use, and the Emergency Profile about to be enabled.
    assert_eq!(host.es10c(&hex("BF5B038001FF")).1, 0x910B);
    for (command, busy) in [
        ("BF5E038001FF", "BF5E03800105"),
        ("BF5C038001FF", "BF5C03800105"),
    ] {
        assert_eq!(host.es10c(&hex(command)).0, hex(busy), "{command}");
    }
    host.refresh();
    assert_eq!(host.enabled_flags(), [0, 0, 0, 1, 0]);
    // Afterwards it is done.
    assert_eq!(
        host.es10c(&hex("BF5C038001FF")),
        (hex("BF5C03800100"), 0x910B)
    );
    host.refresh();
    assert_eq!(host.enabled_flags(), [1, 0, 0, 0, 0]);
}

/// A power cut does what the REFRESH would have done.
#[test]
fn a_reset_does_what_the_refresh_would_have() {
    let (mut host, _) = in_a_terminal();
    assert_eq!(host.es10c(&hex("BF5D038001FF")).1, 0x910B);
    host.card.reset();
    host.open();
    assert_eq!(host.enabled_flags(), [1, 0, 0]);
    // The terminal of before is forgotten: this one knows no REFRESH.
    assert_eq!(host.es10c(&hex("BF5E038001FF")).1, 0x9000);
    assert_eq!(host.enabled_flags(), [0, 1, 0]);
}

/// Without the flag, and for a terminal that could not do it, the profiles
/// switch when the response was read.
#[test]
fn without_refresh_the_switch_is_at_once() {
    let (mut host, _) = in_a_terminal();
    assert_eq!(host.es10c(&hex("BF5D03800100")).1, 0x9000);
    assert_eq!(host.enabled_flags(), [1, 0, 0]);
    assert_eq!(host.send(WITHOUT_REFRESH).1, 0x9000);
    assert_eq!(host.es10c(&hex("BF5E038001FF")).1, 0x9000);
    assert_eq!(host.enabled_flags(), [0, 1, 0]);
}

/// Every function with the flag asks for it; EUI-35: a rollback too, whose
/// result is there before the profiles switch.
#[test]
fn every_mechanism_asks_the_terminal() {
    let (mut host, mut eim) = in_a_terminal();
    host.install_with("89103000000000000043", |m| m.ecall_indication = Some(true));
    assert_eq!(host.es10c(&hex("BF5B038001FF")).1, 0x910B);
    assert_eq!(host.enabled_flags(), [0, 1, 0, 0]);
    host.refresh();
    assert_eq!(host.enabled_flags(), [0, 0, 0, 1]);
    assert_eq!(host.es10c(&hex("BF5C038001FF")).1, 0x910B);
    host.refresh();
    assert_eq!(host.enabled_flags(), [0, 1, 0, 0]);
    // A rollback.
    assert_eq!(codes(&host.run(&mut eim, &enable_with_rollback(A))), [0]);
    assert_eq!(host.enabled_flags(), [1, 0, 0, 0]);
    let (answer, status) = host.es10c(&hex("BF58038001FF"));
    let answer = ProfileRollbackResponse::from_der(&answer).unwrap();
    let code = answer.cmd_result;
    assert_eq!((code, status), (ProfileRollbackCmdResult::OK, 0x910B));
    assert_eq!(host.enabled_flags(), [1, 0, 0, 0]);
    let Some(EuiccPackageResult::Signed(result)) = answer.euicc_package_result else {
        panic!("not signed");
    };
    let data = eim.verified(&result);
    assert_eq!(data.counter_value, eim.counter);
    assert!(matches!(
        data.euicc_result[..],
        [EuiccResultData::RollbackResult(_)]
    ));
    host.refresh();
    assert_eq!(host.enabled_flags(), [0, 1, 0, 0]);
    // Immediate enabling.
    assert_eq!(codes(&host.run(&mut eim, "A7028000")), [0]);
    host.install("89103000000000000050");
    assert_eq!(host.es10c(&hex("BF5A038001FF")).1, 0x910B);
    host.refresh();
    assert_eq!(host.enabled_flags(), [0, 0, 0, 0, 1]);
    // A memory reset that takes the enabled profile away.
    assert_eq!(host.es10c(&hex("BF640482020780")).1, 0x910B);
    host.refresh();
    assert_eq!(host.es10c(&hex("BF2D00")).0, hex("BF2D02A000"));
}

/// As cards of two vendors do: after an enable or a disable every ES10 function
/// is refused until the card is reset; the result waits.
#[test]
fn a_card_that_is_silent_until_it_is_reset() {
    let mut silent = personalisation(&Pki::new());
    silent.silent_until_reset = true;
    let mut host = Host::new(silent);
    host.open();
    host.install(A);
    host.install(B);
    let mut eim = Eim::new("eim1");
    host.add(&eim, false);
    // What does not switch does not silence it.
    assert_eq!(codes(&host.run(&mut eim, "BF2D00")), [2002]);
    assert_eq!(codes(&host.run(&mut eim, &enable(A))), [0]);
    for command in ["BF2B04A0028200", "BF3E035C015A", "BF2D00", "BF3003800101"] {
        assert_eq!(host.store(&hex(command)), 0x6985, "{command}");
    }
    // Neither another channel helps nor another SELECT.
    host.open();
    assert_eq!(host.store(&hex("BF2B04A0028200")), 0x6985);
    host.card.reset();
    host.open();
    assert_eq!(host.waiting_results().len(), 2);
    assert_eq!(codes(&host.run(&mut eim, &psmo("A4", A))), [0]);
    assert_eq!(host.store(&hex("BF2D00")), 0x6985);
    host.card.reset();
    host.open();
    assert_eq!(host.enabled_flags(), [0, 0]);
    // A REFRESH is a reset.
    assert_eq!(host.send(KNOWS_REFRESH).1, 0x9000);
    assert_eq!(codes(&host.run(&mut eim, "A7028000")), [0]);
    host.install("89103000000000000043");
    assert_eq!(host.es10c(&hex("BF5A038001FF")).1, 0x910B);
    host.refresh();
    assert_eq!(host.enabled_flags(), [0, 0, 1]);
}
