//! Remote File Management: the operator's files, with the rights of its
//! application and not with PINs.

use lab::ota::{ScriptResponse, expanded};
use rsp_asn1::saip::{ProfileElement, decode_package, encode_package};

use crate::bench::*;

/// EF.PLMNwAcT of the USIM: its own network on LTE and NB-IoT, then none.
const SELECT_PLMNWACT: &str = "00A4000C026F60";
const PREFERRED: &str = "00D600000562F2104000";

/// A packet that was made without any code of ours, by a few lines of Python
/// with the library `cryptography`: keys 11..11 and 22..22 in key set 1, SPI 16
/// 19, counter 7, TAR B00140, and the commands 00A4000C026F7B, 00D600000C with
/// twelve octets FF, 00B000000C.
const CLEARING: &str = "00381516191212B00140029A77BC305D827C0140B00ACB6ED55ABB432B20FC73A802\
    EF37678974DBACF837969FE40361CAD90A338BF6CAE2BF29";
/// What the same lines say that is answered: three commands, 9000, the file.
const CLEARED: &str =
    "027100002412B00140E597076F13BE6F26101EFF307C630270CBDB50E5C030ED2C6650BA3DAD9186D3";

#[test]
fn an_independent_packet_clears_the_forbidden_networks() {
    let mut bench = Bench::new();
    bench.forbid_a_network();
    let delivered = bench.deliver(&hex(CLEARING));
    assert_eq!(delivered.status, 0x9000);
    assert_eq!(delivered.report, hex(CLEARED));
    assert_eq!(bench.forbidden_networks(), "FFFFFFFFFFFFFFFFFFFFFFFF9000");
}

#[test]
fn preferred_networks_are_rewritten_in_either_format() {
    let mut bench = Bench::new();
    let (executed, data, status) =
        bench.compact(USIM_FILES, &[SELECT_PLMNWACT, PREFERRED, "00B0000005"]);
    assert_eq!((executed, status), (3, 0x9000));
    assert_eq!(data, hex("62F2104000"));

    let commands = script(&[SELECT_PLMNWACT, "00D6000505130014800F", "00B000000A"]);
    let proof = bench.run(USIM_FILES, &expanded(&commands));
    // Data of who asked for them, whoever was last.
    let response = ScriptResponse::read(&proof.data).unwrap();
    assert_eq!(response.executed, 3);
    let read = (hex("62F2104000130014800F"), 0x9000);
    assert_eq!(response.responses, [read]);
    let commands = script(&["00B0000002"]);
    // Nothing stays selected from one script to the next but the ADF.
    let proof = bench.run(USIM_FILES, &expanded(&commands));
    let response = ScriptResponse::read(&proof.data).unwrap();
    assert_eq!(response.responses, [(vec![], 0x6986)]);
}

#[test]
fn records_and_answers_of_select() {
    let mut bench = Bench::new();
    // EF.MSISDN: found by its identifier in the ADF, which is selected.
    let update = "00DC010418".to_string() + &"41".repeat(24);
    let (executed, data, status) =
        bench.compact(USIM_FILES, &["00A4000C026F40", &update, "00B2010418"]);
    assert_eq!((executed, status), (3, 0x9000));
    assert_eq!(data, hex(&"41".repeat(24)));
    // With Le, the expanded format has the answer at once.
    let commands = script(&["00A40004026F4000"]);
    let proof = bench.run(USIM_FILES, &expanded(&commands));
    let response = ScriptResponse::read(&proof.data).unwrap();
    let (data, status) = response.last().unwrap();
    assert_eq!((data[0], status), (0x62, 0x9000));
    // In the compact one it is fetched by a command of its own.
    let (_, _, status) = bench.compact(USIM_FILES, &["00A40004026F40"]);
    assert_eq!(status, 0x6100 | data.len() as u16);
    let fetch = format!("00C00000{:02X}", data.len());
    let (executed, fetched, status) = bench.compact(USIM_FILES, &["00A40004026F40", &fetch]);
    assert_eq!((executed, fetched.as_slice(), status), (2, data, 0x9000));
}

#[test]
fn a_script_stops_at_the_first_command_that_fails() {
    let mut bench = Bench::new();
    bench.forbid_a_network();
    let commands = [
        SELECT_FPLMN,
        "00D600000D00000000000000000000000000",
        NO_FPLMN,
    ];
    assert_eq!(bench.compact(USIM_FILES, &commands), (2, vec![], 0x6700));
    let proof = bench.run(USIM_FILES, &expanded(&script(&commands)));
    let response = ScriptResponse::read(&proof.data).unwrap();
    assert_eq!(
        (response.executed, response.last()),
        (2, Some((&[][..], 0x6700)))
    );
    assert_eq!(bench.forbidden_networks(), "62F210FFFFFFFFFFFFFFFFFF9000");
}

#[test]
fn what_a_script_selects_and_verifies_stays_its_own() {
    const VERIFY: &str = "002000010830303030FFFFFFFF";
    let mut bench = Bench::new();
    assert_eq!(bench.send("002800010830303030FFFFFFFF"), "9000");
    assert_eq!(bench.send(SELECT_PLMNWACT), "9000");
    bench.power_cut(&bench.journal.clone());
    assert_eq!(bench.send("00A4040C0CA0000000871002FF49FFFF89"), "9000");
    assert_eq!(bench.send(SELECT_PLMNWACT), "9000");
    assert_eq!(bench.send("00B0000005"), "6982");
    // The operator needs no PIN, and gives the terminal none.
    let commands = [VERIFY, "00A4000C023F00", "00A4000C022FE2", "00B000000A"];
    let (executed, _, status) = bench.compact(USIM_FILES, &commands);
    assert_eq!((executed, status), (4, 0x9000));
    let (_, data, status) = bench.compact(USIM_FILES, &[SELECT_PLMNWACT, "00B0000005"]);
    assert_eq!((data, status), (hex("FFFFFF0000"), 0x9000));
    assert_eq!(bench.send("00B0000005"), "6982");
    // What the terminal has verified is still verified after a script.
    assert_eq!(bench.send(VERIFY), "9000");
    bench.compact(USIM_FILES, &[SELECT_FPLMN]);
    assert_eq!(bench.send("00B0000005"), "FFFFFF00009000");
}

#[test]
fn only_commands_on_files_are_executed() {
    let mut bench = Bench::new();
    // AUTHENTICATE, GET IDENTITY, TERMINAL PROFILE, MANAGE CHANNEL, STORE DATA.
    let authenticate = format!("008800812210{}10{}", "00".repeat(16), "00".repeat(16));
    for command in [
        authenticate.as_str(),
        "8078000000",
        "8010000001FF",
        "0070800100",
        "80E2900003BF2A00",
    ] {
        assert_eq!(
            bench.compact(USIM_FILES, &[command]),
            (1, vec![], 0x6D00),
            "{command}"
        );
    }
}

/// Our template with other access domains of the USIM and outside it.
fn with_access(adf: &[u8], outside: &[u8]) -> Bench {
    let mut elements = decode_package(&package()).unwrap();
    for element in &mut elements {
        if let ProfileElement::Rfm(rfm) = element {
            rfm.uicc_access_domain = outside.to_vec();
            rfm.adf_rfm_access.as_mut().unwrap().adf_access_domain = adf.to_vec();
        }
    }
    Bench::of(&Choice::with_package(encode_package(&elements)))
}

#[test]
fn an_application_has_no_more_rights_than_its_package_gives() {
    // EF.ICCID may be read by everybody and changed by nobody, EF.FPLMN with
    // PIN 1, which is disabled, EF.ACC read with PIN 1 and changed with ADM 1.
    let read_iccid = ["00A4080C022FE2", "00B000000A"];
    let change_iccid = ["00A4080C022FE2", "00D600000100"];
    let change_acc = ["00A4000C026F78", "00D6000002000F"];
    let change_fplmn = [SELECT_FPLMN, NO_FPLMN];
    let status = |bench: &mut Bench, commands: &[&str]| bench.compact(USIM_FILES, commands).2;

    let mut full = with_access(&[0x00], &[0x00]);
    assert_eq!(status(&mut full, &read_iccid), 0x9000);
    assert_eq!(status(&mut full, &change_iccid), 0x6982, "never is never");
    assert_eq!(status(&mut full, &change_acc), 0x9000);
    assert_eq!(status(&mut full, &change_fplmn), 0x9000);

    let mut adm1 = with_access(&[0x02, 0x00, 0x01, 0x00], &[0xFF]);
    assert_eq!(status(&mut adm1, &read_iccid), 0x6982, "no access is none");
    assert_eq!(status(&mut adm1, &change_acc), 0x9000);
    assert_eq!(status(&mut adm1, &change_fplmn), 0x6982, "an ADM is no PIN");

    let mut verified = with_access(&[0x01], &[0x01]);
    assert_eq!(status(&mut verified, &change_fplmn), 0x9000);
    assert_eq!(status(&mut verified, &change_acc), 0x6982);

    for unknown in [&[][..], &[0x02], &[0x03], &[0x02, 0, 1]] {
        let mut bench = with_access(unknown, &[0x00]);
        assert_eq!(status(&mut bench, &change_fplmn), 0x6982, "{unknown:?}");
    }
    // Ending the application's session does not make a terminal of the script.
    let mut none = with_access(&[0x00], &[0xFF]);
    let end = [
        "00A4044C0CA0000000871002FF49FFFF89",
        "00A4080C022FE2",
        "00B000000A",
    ];
    assert_eq!(none.compact(USIM_FILES, &end), (3, vec![], 0x6982));
}
