//! The APDU level: channels, chains, pieces (ETSI TS 102 221, SGP.22 5.7.2).

use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{EuiccInfo1, EuiccInfo2};

use crate::common::{EID, Host, ISDR_AID, hex, personalisation};
use crate::eims::Eim;
use crate::pki::{self, Pki};
use crate::uicc_support::{USIM_AID, to_hex};

fn fresh() -> Host {
    Host::new(personalisation(&Pki::new()))
}

#[test]
fn answer_to_reset() {
    let atr = fresh().card.reset();
    assert_eq!(atr[0], 0x3B);
    assert_eq!(atr[1..].iter().fold(0, |sum, octet| sum ^ octet), 0);
    // T0 announces 15 historical bytes after TA1, TD1, TD2, TA3, TB3.
    assert_eq!(atr.len(), 2 + 5 + 15 + 1);
}

#[test]
fn opening_and_closing_channels() {
    let mut host = fresh();
    assert_eq!(host.send("0070000001"), (vec![1], 0x9000));
    assert_eq!(host.send("0070000200"), (vec![], 0x9000));
    assert_eq!(host.send("0070000001"), (vec![3], 0x9000));
    assert_eq!(host.send("0070000200").1, 0x6985);
    assert_eq!(host.send("0070800100").1, 0x9000);
    assert_eq!(host.send("0070800100").1, 0x6881);
    assert_eq!(host.send("0070800000").1, 0x6A86);
    assert_eq!(host.send("0070001400").1, 0x6881);
    assert_eq!(host.send("0070000001"), (vec![1], 0x9000));
    for number in 4..=19 {
        assert_eq!(host.send("0070000001"), (vec![number], 0x9000));
    }
    assert_eq!(host.send("0070000001").1, 0x6A81);
    // A channel beyond the third has another class.
    let select = format!("42A4040410{ISDR_AID}");
    let (_, status) = host.send(&select);
    assert_eq!(status >> 8, 0x61);
    assert_eq!(host.send("C2E2910006BF3E035C015A").1, 0x6115);
    host.card.reset();
    assert_eq!(host.send(&select).1, 0x6881);
}

/// EUI-01: SELECT of the ISD-R and its FCI.
#[test]
fn selecting_the_isdr() {
    let mut host = fresh();
    let fci = host.open();
    let expected = format!("6F248410{ISDR_AID}A5049F6501FFE0058203020500E103800100");
    assert_eq!(fci, hex(&expected));
    // Without response data, with Le, on the basic channel.
    assert_eq!(
        host.send(&format!("00A4040C10{ISDR_AID}")),
        (vec![], 0x9000)
    );
    let with_le = host.send(&format!("00A4040010{ISDR_AID}00"));
    assert_eq!((with_le.0.len(), with_le.1 >> 8), (0, 0x61));
    // Nothing else can be selected while no profile is enabled.
    assert_eq!(host.send("00A40004023F00").1, 0x6A82);
    assert_eq!(host.send("00A4040407A0000000871002").1, 0x6A82);
    assert_eq!(host.send("80E2910006BF3E035C015A").1, 0x6115);
}

#[test]
fn without_the_isdr_there_is_no_function() {
    let mut host = fresh();
    assert_eq!(host.send("80E2910006BF3E035C015A").1, 0x6985);
    assert_eq!(host.send("0070000001"), (vec![1], 0x9000));
    assert_eq!(host.send("81E2910006BF3E035C015A").1, 0x6985);
}

/// EUI-02: GetEID.
#[test]
fn the_trace_of_a_real_card() {
    let mut host = Host::ready();
    assert_eq!(host.send("81E2910006BF3E035C015A").1, 0x6115);
    let answer = hex(&format!("BF3E125A10{EID}"));
    assert_eq!(host.send("81C0000015"), (answer.clone(), 0x9000));
    assert_eq!(host.send("81C0000015").1, 0x6985);
    // In pieces, with either class, and less than announced.
    host.send("81E2910006BF3E035C015A");
    assert_eq!(host.send("01C0000005"), (answer[..5].to_vec(), 0x6110));
    assert_eq!(host.send("01C00000FF"), (answer[5..].to_vec(), 0x9000));
    // Any other command drops what was not read.
    host.send("81E2910006BF3E035C015A");
    assert_eq!(host.send("81E2910003BF2E00").1, 0x6115);
    assert_eq!(host.send("0070000001").0, [2]);
    assert_eq!(host.send("81C0000015").0.len(), 0x15);
}

/// EUI-50: chains.
#[test]
fn chains_of_every_block_size() {
    for block in [1, 2, 3, 6, 255] {
        let mut host = Host::ready();
        host.block = block;
        host.assert_usable();
    }
    // Two channels, two chains at once.
    let mut host = Host::ready();
    let (second, _) = host.send("0070000001");
    assert_eq!(second, [2]);
    assert_eq!(host.send(&format!("02A4040410{ISDR_AID}")).1 >> 8, 0x61);
    assert_eq!(host.send("81E2110003BF3E03").1, 0x9000);
    assert_eq!(host.send("82E2110002BF2E").1, 0x9000);
    assert_eq!(host.send("81E29101035C015A").1, 0x6115);
    assert_eq!(host.send("82E291010100").1, 0x6115);
}

/// EUI-50: a wrong block number.
#[test]
fn blocks_out_of_order() {
    let mut host = Host::ready();
    assert_eq!(host.send("81E2110103BF3E03").1, 0x6A86);
    host.send("81E2110003BF3E03");
    assert_eq!(host.send("81E29102035C015A").1, 0x6A86);
    assert_eq!(host.send("81E29101035C015A").1, 0x6A86);
    assert_eq!(host.send("81E2120003BF3E03").1, 0x6A86);
    assert_eq!(host.send("81E29100").1, 0x6700);
    assert_eq!(host.send("81E2910005BF3E").1, 0x6700);
    assert_eq!(host.send("01E2910006BF3E035C015A").1, 0x6E00);
    host.assert_usable();
}

#[test]
fn status_words_of_refusals() {
    let mut host = Host::ready();
    assert_eq!(host.send("81CA000000").1, 0x6D00);
    assert_eq!(host.send("A1E2910006BF3E035C015A").1, 0x6E00);
    assert_eq!(host.send("81E2").1, 0x6700);
    assert_eq!(host.send("").1, 0x6700);
    assert_eq!(host.send("81E2910003BF3100").1, 0x6A80);
    assert_eq!(host.send("81E2910006BF3E035C0144").1, 0x6A80);
    assert_eq!(host.send("81E2910003BF2101").1, 0x6A80);
    assert_eq!(host.send("81E2910003BF3600").1, 0x6985);
    assert_eq!(host.send("80AA000000").1, 0x6A80);
    host.assert_usable();
}

#[test]
fn a_response_may_be_longer_than_a_piece() {
    let mut host = Host::ready();
    let status = host.store(&hex("BF5600"));
    assert_eq!(status, 0x6100);
    let certs = host.collect(status);
    assert!(certs.len() > 512);
    let pki = Pki::new();
    let eum = &pki.eum_certificate[4..];
    assert!(certs.windows(eum.len()).any(|w| w == eum));
    for (id, answer) in [(pki::CI_SKI, true), ("00".repeat(20).as_str(), false)] {
        for tag in ["80", "04"] {
            let response = host.es10(&hex(&format!("BF5616{tag}14{id}")));
            assert_eq!(response == certs, answer);
            assert_eq!(response == hex("BF5603810101"), !answer);
        }
    }
}

/// EUI-02: EUICCInfo1 and EUICCInfo2.
#[test]
fn what_the_card_says_about_itself() {
    let mut host = Host::ready();
    let info = EuiccInfo1::from_der(&host.es10(&hex("BF2000"))).unwrap();
    assert_eq!(info.svn, [2, 5, 0]);
    assert_eq!(info.euicc_ci_pk_id_list_for_signing, [hex(pki::CI_SKI)]);
    let info = EuiccInfo2::from_der(&host.es10(&hex("BF2200"))).unwrap();
    assert_eq!(info.ipa_mode, Some(0));
    assert_eq!(info.iot_specific_info.unwrap().iot_version, [[1, 2, 0]]);
    assert_eq!(info.ext_card_resource[..9], hex("810100820400100000"));
    host.install("89103000000000000019");
    let after = EuiccInfo2::from_der(&host.es10(&hex("BF2200"))).unwrap();
    assert_eq!(after.ext_card_resource[2], 1);
    assert!(after.ext_card_resource[5..9] < info.ext_card_resource[5..9]);
    let addresses = host.es10(&hex("BF3C00"));
    assert_eq!(addresses[..5], hex("BF3C11810F")[..]);
}

#[test]
fn the_enabled_profile_answers_where_the_isdr_is_not_selected() {
    let iccid = "89103000000000000019";
    let mut host = Host::ready();
    host.install(iccid);
    let mut eim = Eim::new("eim1");
    host.add(&eim, false);
    assert_eq!(host.send("00A40004023F00").1, 0x6A82);
    let psmo = format!(
        "A30C5A0A{}",
        to_hex(iccid.parse::<Iccid>().unwrap().as_swapped())
    );
    host.run(&mut eim, &psmo);

    // EF.ICCID on the basic channel.
    assert_eq!(host.send("00A4000C022FE2").1, 0x9000);
    let ef = host.send("00B000000A");
    assert_eq!(ef.0, iccid.parse::<Iccid>().unwrap().as_swapped());
    // The USIM on another, beside the ISD-R on its own.
    assert_eq!(host.send("0070000001").0, [2]);
    assert_eq!(host.send(&format!("02A4040C0C{USIM_AID}")).1, 0x9000);
    assert_eq!(host.send("02A4000C026F07").1, 0x9000);
    host.assert_usable();
    // The ISD-R's channel goes over to the profile only by a good SELECT.
    assert_eq!(host.send("01A4040C07A0000009999999").1, 0x6A82);
    host.assert_usable();
    assert_eq!(host.send(&format!("01A4040C0C{USIM_AID}")).1, 0x9000);
    assert_eq!(host.send("81E2910006BF3E035C015A").1, 0x6D00);
    // A channel closed and opened again begins at the MF.
    assert_eq!(host.send("0070800200").1, 0x9000);
    assert_eq!(host.send("0070000200").1, 0x9000);
    assert_eq!(host.send("02B0000000").1, 0x6986);
    assert_eq!(host.send("02A4000C022FE2").1, 0x9000);
}

#[test]
fn the_card_may_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<euicc::Euicc>();
}
