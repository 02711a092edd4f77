//! The commands of the terminal on the card of our own package.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod uicc_support;

use euicc::uicc::Uicc;
use rsp_crypto::aka::{Algorithm, Challenge, functions, generate_vector};
use rsp_crypto::software::SoftwareProvider;
use uicc_support::*;

const RAND: [u8; 16] = [0x23; 16];
const AMF: [u8; 2] = [0x80, 0x00];

fn k() -> [u8; 16] {
    hex(K).try_into().unwrap()
}

fn algorithm() -> Algorithm {
    Algorithm::milenage(hex(OPC).try_into().unwrap())
}

fn sqn(seq: u64, ind: u64) -> [u8; 6] {
    (seq << 5 | ind).to_be_bytes()[2..].try_into().unwrap()
}

fn autn(sqn: [u8; 6]) -> [u8; 16] {
    generate_vector(&SoftwareProvider, &k(), &algorithm(), sqn, AMF, RAND).autn
}

/// Selects a file by path from the MF.
fn select(card: &mut Uicc, path: &str) -> String {
    send(card, &format!("00A40804{:02X}{path}", path.len() / 2))
}

#[test]
fn selection_and_its_templates() {
    let mut card = card();
    let mf = send(&mut card, "00A40004023F00");
    let expected = "6220820278218302 3F00A5038001718A01058B032F060EC6099001C083010183010A9000";
    assert_eq!(mf, expected.replace(' ', ""));
    // EF.ICCID: no short identifier.
    let iccid = send(&mut card, "00A40004022FE2");
    assert_eq!(
        iccid,
        "62168202412183022FE28A01058B032F060B8002000A88009000"
    );
    // EF.DIR: one record of 24 octets, short identifier 1E.
    let dir = send(&mut card, "00A40004022F00");
    assert_eq!(
        dir,
        "621A8205422100180183022F008A01058B032F060A800200188801F09000"
    );
    // No data wanted.
    assert_eq!(send(&mut card, "00A4000C022F00"), "9000");
    assert_eq!(send(&mut card, "00A40004026F07"), "6A82");
    let usim = select_aid(&mut card, USIM_AID);
    assert!(usim.starts_with("622D82027821840CA0"), "{usim}");
    assert!(usim.contains("C60C9001E083010183018183010A"), "{usim}");
    // Files in the ADF, the MF's from within it by path only.
    assert!(send(&mut card, "00A40004026F07").ends_with("9000"));
    assert_eq!(send(&mut card, "00A40004022FE2"), "6A82");
    assert!(send(&mut card, "00A40004027FFF").ends_with("9000"));
    assert!(send(&mut card, "00A40304").ends_with("9000"));
    assert_eq!(send(&mut card, "00A40304"), "6A82");
    // The temporary identifier of the ADF is none.
    assert_eq!(send(&mut card, "00A40004027FD0"), "6A82");
    assert_eq!(select(&mut card, "7FD06F07"), "6A82");
    assert!(select(&mut card, "7FFF6F07").ends_with("9000"));
    assert_eq!(
        send(&mut card, "00A40904026F31").len(),
        send(&mut card, "00A40004026F07").len()
    );
}

#[test]
fn partial_identifiers_find_one_application_after_the_other() {
    let mut card = card();
    let first = select_aid(&mut card, "A0000000");
    assert!(first.contains(USIM_AID));
    let next = "00A4040604A0000000";
    assert!(send(&mut card, next).contains(ISIM_AID));
    assert_eq!(send(&mut card, next), "6A82");
    assert!(send(&mut card, "00A4040704A0000000").contains(USIM_AID));
    assert!(send(&mut card, "00A4040504A0000000").contains(ISIM_AID));
    assert_eq!(send(&mut card, "80F20001FF"), "6C0E");
    assert_eq!(send(&mut card, "80F200010E"), format!("840C{ISIM_AID}9000"));
    assert!(send(&mut card, "80F2000000").contains(ISIM_AID));
    // The end of the session: the MF is current, no application is active.
    assert_eq!(send(&mut card, "00A4044404A0000000"), "9000");
    assert!(send(&mut card, "80F2000000").contains(ISIM_AID));
    let end = format!("00A404440C{ISIM_AID}");
    assert_eq!(send(&mut card, &end), "9000");
    assert_eq!(send(&mut card, "80F200010E"), "6985");
}

#[test]
fn channels_are_apart() {
    let mut card = card();
    select_aid(&mut card, USIM_AID);
    assert!(send_on(&mut card, 1, "00A40004022FE2").ends_with("9000"));
    assert_eq!(
        send_on(&mut card, 1, "00B000000A"),
        "989979000000000020F79000"
    );
    assert_eq!(send_on(&mut card, 19, "00A40004026F07"), "6A82");
    assert_eq!(send_on(&mut card, 20, "00A40004023F00"), "6881");
    assert!(send(&mut card, "00A40004026F07").ends_with("9000"));
    // What one channel verified holds on the other.
    assert_eq!(send(&mut card, "00B0000009"), "6982");
    assert_eq!(send_on(&mut card, 1, "002000010831323334FFFFFFFF"), "9000");
    assert_eq!(send(&mut card, "00B0000009"), "0899990700000000109000");
    // A waiting response belongs to its channel and to the next command.
    let waiting = transmit(&mut card, 0, &hex("00A40004023F00"));
    assert_eq!(waiting[0], 0x61);
    assert_eq!(send_on(&mut card, 1, "00C0000010"), "6985");
    let part = transmit(&mut card, 0, &hex("00C0000004"));
    assert_eq!(part, hex("62208202611E"));
    assert_eq!(send(&mut card, "80F2000C00"), "9000");
    assert_eq!(send(&mut card, "00C0000010"), "6985");
}

#[test]
fn binary_files() {
    let mut card = card();
    verify_pin(&mut card);
    assert!(select(&mut card, "7F666F10").ends_with("9000"));
    assert_eq!(send(&mut card, "00B0000006"), "0102FFFF05FF9000");
    assert_eq!(send(&mut card, "00B0000000").len(), 512 + 4);
    assert_eq!(send(&mut card, "00B0010000").len(), 44 * 2 + 4);
    assert_eq!(send(&mut card, "00B001002D"), "6C2C");
    assert_eq!(send(&mut card, "00B0012C01"), "6B00");
    assert_eq!(send(&mut card, "00D6012A020809"), "9000");
    assert_eq!(send(&mut card, "00D6012B020809"), "6700");
    assert_eq!(send(&mut card, "00B0012A02"), "08099000");
    assert_eq!(send(&mut card, "00B2010400"), "6981");
    // Short identifiers: the derived one of 6F10 is 10.
    assert!(select(&mut card, "7F66").ends_with("9000"));
    assert_eq!(send(&mut card, "00B0000001"), "6986");
    assert_eq!(send(&mut card, "00B0900002"), "01029000");
    assert_eq!(send(&mut card, "00B0000002"), "01029000");
    assert_eq!(send(&mut card, "00B09F0002"), "6A82");
    // A link without a short identifier, and with a rule of its own.
    assert_eq!(send(&mut card, "00A4000C026F15"), "9000");
    card.reset();
    assert!(select(&mut card, "7F666F15").contains("8002000988009000"));
    assert_eq!(send(&mut card, "00B0000009"), "0899990700000000109000");
    assert_eq!(send(&mut card, "00D600000100"), "6982");
}

#[test]
fn files_of_records() {
    let mut card = card();
    verify_pin(&mut card);
    assert!(select(&mut card, "7F666F11").contains("82054221000403"));
    assert_eq!(send(&mut card, "00B2010400"), "00FFFFFF9000");
    assert_eq!(send(&mut card, "00B2010405"), "6C04");
    assert_eq!(send(&mut card, "00DC02040401020304"), "9000");
    assert_eq!(send(&mut card, "00DC0204030102FF"), "6700");
    assert_eq!(send(&mut card, "00B2040404"), "6A83");
    for expected in ["00FFFFFF9000", "010203049000", "00FFFFFF9000", "6A83"] {
        assert_eq!(send(&mut card, "00B2000204"), expected);
    }
    assert_eq!(send(&mut card, "00B2000304"), "010203049000");
    assert_eq!(send(&mut card, "00B2000404"), "010203049000");
    assert_eq!(send(&mut card, "00A2010402FFFF"), "01039000");
    assert_eq!(send(&mut card, "00A2010401AA"), "9000");
    assert_eq!(send(&mut card, "00B0000001"), "6981");
}

#[test]
fn cyclic_files_begin_with_the_newest_record() {
    let mut card = card();
    verify_pin(&mut card);
    assert!(select(&mut card, "7F666F12").contains("82054621000303"));
    assert_eq!(send(&mut card, "00DC000303000001"), "9000");
    assert_eq!(send(&mut card, "00DC000303000002"), "9000");
    assert_eq!(send(&mut card, "00DC010403000003"), "6A86");
    assert_eq!(send(&mut card, "8032000003000005"), "0000070000059000");
    assert_eq!(send(&mut card, "00B2010403"), "0000079000");
    assert_eq!(send(&mut card, "00B2020403"), "0000029000");
    assert_eq!(send(&mut card, "00B2030403"), "0000019000");
    assert_eq!(send(&mut card, "8032000003FFFFFF"), "9850");
    assert_eq!(send(&mut card, "00B2010403"), "0000079000");
}

#[test]
fn ber_tlv_files() {
    let mut card = card();
    verify_pin(&mut card);
    assert!(select(&mut card, "7F666F13").contains("82027921"));
    assert_eq!(
        send(&mut card, "80DB008004800201 02".replace(' ', "").as_str()),
        "9000"
    );
    assert_eq!(send(&mut card, "80CB00800180"), "800201029000");
    assert_eq!(send(&mut card, "80CB00800181"), "6A88");
    // An object of 300 octets takes two commands each way.
    let first = format!("80DB0080FF8182012C{}", "AA".repeat(251));
    assert_eq!(send(&mut card, &first), "9000");
    assert_eq!(
        send(&mut card, &format!("80DB000031{}", "AA".repeat(49))),
        "9000"
    );
    let begin = send(&mut card, "80CB00800181");
    let rest = send(&mut card, "80CB0000");
    assert_eq!(begin.len() + rest.len(), (304 + 4) * 2);
    assert_eq!(send(&mut card, "80CB0000"), "6985");
    // Too large for the file, and deleted.
    assert_eq!(
        send(
            &mut card,
            &format!("80DB0080FF8382022C{}", "AA".repeat(251))
        ),
        "9000"
    );
    assert_eq!(
        send(&mut card, &format!("80DB0000FF{}", "AA".repeat(255))),
        "9000"
    );
    assert_eq!(
        send(&mut card, &format!("80DB000032{}", "AA".repeat(50))),
        "6A84"
    );
    assert_eq!(send(&mut card, "80DB00800181"), "9000");
    assert_eq!(send(&mut card, "80CB00800181"), "6A88");
}

#[test]
fn files_can_be_deactivated() {
    let mut card = card();
    assert_eq!(send(&mut card, "0020000A083132333435363738"), "9000");
    verify_pin(&mut card);
    assert!(select(&mut card, "7F666F11").ends_with("9000"));
    assert_eq!(send(&mut card, "00040000"), "9000");
    assert_eq!(send(&mut card, "00B2010404"), "6985");
    assert!(send(&mut card, "00A40004026F11").contains("8A0104"));
    assert_eq!(send(&mut card, "00440000026F11"), "9000");
    assert_eq!(send(&mut card, "00B2010404"), "00FFFFFF9000");
}

#[test]
fn access_rules_are_kept() {
    let mut card = card();
    assert!(select(&mut card, "7F666F14").ends_with("9000"));
    assert_eq!(send(&mut card, "00B0000002"), "FFFF9000");
    verify_pin(&mut card);
    assert_eq!(send(&mut card, "0020000A083132333435363738"), "9000");
    // Never, whoever asks.
    assert_eq!(send(&mut card, "00D60000020000"), "6982");
    // EF.FDN is written with PIN2, a PIN of the application.
    select_aid(&mut card, USIM_AID);
    assert!(send(&mut card, "00A40004026F3B").contains("82054221001A14"));
    let update = format!("00DC01041A{}", "11".repeat(26));
    assert_eq!(send(&mut card, &update), "6982");
    assert_eq!(send(&mut card, "002000810839393939FFFFFFFF"), "9000");
    assert_eq!(send(&mut card, &update), "9000");
    card.reset();
    select_aid(&mut card, USIM_AID);
    assert_eq!(send(&mut card, "00A4000C026F3B"), "9000");
    assert_eq!(send(&mut card, "00B201041A"), "6982");
    // The ISIM shares the PIN2 of the USIM.
    select_aid(&mut card, ISIM_AID);
    assert_eq!(send(&mut card, "002000810839393939FFFFFFFF"), "9000");
    // At the MF there is none.
    assert!(send(&mut card, "00A40004023F00").ends_with("9000"));
    assert_eq!(send(&mut card, "0020008100"), "6A88");
}

#[test]
fn pins_block_and_unblock() {
    let mut card = card();
    assert_eq!(send(&mut card, "0020000100"), "63C3");
    let wrong = "002000010830303030FFFFFFFF";
    for expected in ["63C2", "63C1", "63C0", "6983"] {
        assert_eq!(send(&mut card, wrong), expected);
    }
    assert_eq!(send(&mut card, "002000010831323334FFFFFFFF"), "6983");
    assert_eq!(send(&mut card, "002C000100"), "63CA");
    assert_eq!(
        send(&mut card, "002C000110313131313131313235363738FFFFFFFF"),
        "63C9"
    );
    assert_eq!(
        send(&mut card, "002C000110313131313131313135363738FFFFFFFF"),
        "9000"
    );
    assert_eq!(
        send(
            &mut card,
            "0020000108 35363738FFFFFFFF".replace(' ', "").as_str()
        ),
        "9000"
    );
    // An ADM has no PUK.
    assert_eq!(send(&mut card, "002C000A00"), "6985");
}

#[test]
fn pins_change_and_are_disabled() {
    let mut card = card();
    let change = "002400011031323334FFFFFFFF34333231FFFFFFFF";
    assert_eq!(send(&mut card, change), "9000");
    assert_eq!(send(&mut card, change), "63C2");
    let disable = "002600010834333231FFFFFFFF";
    assert_eq!(send(&mut card, disable), "9000");
    assert_eq!(send(&mut card, disable), "6984");
    assert_eq!(send(&mut card, "002000010834333231FFFFFFFF"), "6984");
    card.reset();
    // Nothing need be verified any more; the template says so.
    assert!(select_aid(&mut card, USIM_AID).contains("90016083"));
    assert_eq!(send(&mut card, "00A4000C026F07"), "9000");
    assert!(send(&mut card, "00B0000009").ends_with("9000"));
    assert_eq!(send(&mut card, "002800010834333231FFFFFFFF"), "9000");
    card.reset();
    select_aid(&mut card, USIM_AID);
    assert_eq!(send(&mut card, "00A4000C026F07"), "9000");
    assert_eq!(send(&mut card, "00B0000009"), "6982");
    // PIN2 may be changed, not disabled.
    assert_eq!(send(&mut card, "002600810839393939FFFFFFFF"), "6985");
}

#[test]
fn authentication_needs_the_application_and_its_pin() {
    let mut card = card();
    assert_eq!(
        authenticate(&mut card, &RAND, &autn(sqn(1, 0))),
        hex("6985")
    );
    select_aid(&mut card, USIM_AID);
    assert_eq!(
        authenticate(&mut card, &RAND, &autn(sqn(1, 0))),
        hex("6982")
    );
    verify_pin(&mut card);
    let vector = functions(
        &SoftwareProvider,
        &k(),
        &algorithm(),
        &RAND,
        &sqn(1, 0),
        &AMF,
    );
    let answer = authenticate(&mut card, &RAND, &autn(sqn(1, 0)));
    let kc = |key: &[u8; 16], at: usize| key[at] ^ key[at + 8];
    let kc: Vec<u8> = (0..8)
        .map(|at| kc(&vector.ck, at) ^ kc(&vector.ik, at))
        .collect();
    let expected = format!(
        "DB08{}10{}10{}08{}9000",
        to_hex(vector.res.as_bytes()),
        to_hex(&vector.ck),
        to_hex(&vector.ik),
        to_hex(&kc)
    );
    assert_eq!(to_hex(&answer), expected);
    // The GSM context: SRES and the same Kc.
    let res = vector.res.as_bytes();
    let sres: Vec<u8> = (0..4).map(|at| res[at] ^ res[at + 4]).collect();
    let gsm = send(&mut card, &format!("008800801110{}", to_hex(&RAND)));
    assert_eq!(gsm, format!("04{}08{}9000", to_hex(&sres), to_hex(&kc)));
    // Contexts and codings that are none.
    assert_eq!(
        send(&mut card, &format!("008800841110{}", to_hex(&RAND))),
        "6A86"
    );
    assert_eq!(
        send(&mut card, &format!("008800811110{}", to_hex(&RAND))),
        "6A80"
    );
    // At the MF no application is addressed.
    assert!(send(&mut card, "00A40004023F00").ends_with("9000"));
    assert_eq!(
        authenticate(&mut card, &RAND, &autn(sqn(2, 0))),
        hex("6985")
    );
}

#[test]
fn sequence_numbers_and_resynchronisation() {
    let mut card = card();
    verify_pin(&mut card);
    select_aid(&mut card, USIM_AID);
    let resync = |card: &mut Uicc, number| {
        let answer = authenticate(card, &RAND, &autn(number));
        assert_eq!(answer[..2], [0xDC, 14]);
        let algorithm = algorithm();
        let challenge = Challenge::new(&SoftwareProvider, &k(), &algorithm, &RAND);
        challenge
            .open_auts(&answer[2..16].try_into().unwrap())
            .unwrap()
    };
    // Zero is the initial value and not fresh.
    assert_eq!(resync(&mut card, sqn(0, 0)), sqn(0, 31));
    assert_eq!(authenticate(&mut card, &RAND, &autn(sqn(7, 1)))[0], 0xDB);
    assert_eq!(resync(&mut card, sqn(7, 1)), sqn(7, 1));
    // Another index may be behind, a jump may not be too large.
    assert_eq!(authenticate(&mut card, &RAND, &autn(sqn(6, 2)))[0], 0xDB);
    assert_eq!(resync(&mut card, sqn(8 + (1 << 28), 3)), sqn(7, 1));
    let mut wrong = autn(sqn(9, 3));
    wrong[8] ^= 0x80;
    assert_eq!(authenticate(&mut card, &RAND, &wrong), hex("9862"));
    // The ISIM shares key and sequence numbers, and has no Kc.
    select_aid(&mut card, ISIM_AID);
    assert_eq!(resync(&mut card, sqn(7, 1)), sqn(7, 1));
    let answer = authenticate(&mut card, &RAND, &autn(sqn(8, 1)));
    assert_eq!(answer.len(), 1 + 9 + 17 + 17 + 2);
    // They survive a power cycle.
    card.reset();
    assert_eq!(
        authenticate(&mut card, &RAND, &autn(sqn(9, 1))),
        hex("6985")
    );
    verify_pin(&mut card);
    select_aid(&mut card, USIM_AID);
    assert_eq!(resync(&mut card, sqn(8, 1)), sqn(8, 1));
}

#[test]
fn malformed_commands_have_their_status_words() {
    let mut card = card();
    let cases = [
        ("", "6700"),
        ("00A400", "6700"),
        ("00A4000403 3F00", "6700"),
        ("00A40004023F000000", "6700"),
        ("00A4000400023F00", "6700"),
        ("04A40004023F00", "6882"),
        ("30A40004023F00", "6E00"),
        ("FFA40004023F00", "6E00"),
        ("00A40204023F00", "6A86"),
        ("00A40084023F00", "6A86"),
        ("00A40804033F0000", "6700"),
        ("00A4040400", "6A80"),
        ("0084000008", "6D00"),
        ("8078000000", "6A86"),
        ("8078000100", "6985"),
        ("0078000100", "6D00"),
        ("00B0000001", "6986"),
        ("00C00000FF", "6985"),
        ("0020010100", "6A86"),
        ("002000030831323334FFFFFFFF", "6A88"),
        ("00200001023132", "6700"),
        ("80F2030000", "6A86"),
        ("801000000101", "9000"),
    ];
    for (command, expected) in cases {
        assert_eq!(
            send(&mut card, &command.replace(' ', "")),
            expected,
            "{command}"
        );
    }
}

#[test]
fn debug_output_has_no_secrets() {
    let card = card();
    let shown = format!("{card:?}");
    assert!(
        shown.contains("8999970000000000027") && shown.contains("redacted"),
        "{shown}"
    );
    assert!(!shown.to_uppercase().contains(&K[..8]), "{shown}");
}
