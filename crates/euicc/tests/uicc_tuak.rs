//! TUAK on a card: the published test sets, from a profile package to the
//! answer to AUTHENTICATE.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod uicc_support;

#[path = "../../rsp-crypto/tests/known_answers/tuak_sets.rs"]
mod tuak_sets;

use euicc::uicc::Uicc;
use rsp_asn1::Null;
use rsp_asn1::rsp::ErrorReason;
use rsp_asn1::saip::*;
use rsp_crypto::aka::{CipherKeyLength, MacLength, Tuak, TuakParameters, TuakResLength};
use tuak_sets::{SETS, Set};
use uicc_support::*;

/// `algorithmOptions` with these lengths, as the profile package specification
/// lays them out.
fn options(parameters: TuakParameters) -> u8 {
    let res = match parameters.res {
        TuakResLength::Bits32 => 0b000,
        TuakResLength::Bits64 => 0b001,
        TuakResLength::Bits128 => 0b010,
        _ => 0b011,
    };
    let mac = match parameters.mac {
        MacLength::Bits64 => 0b00,
        MacLength::Bits128 => 0b01,
        _ => 0b10,
    };
    let long = |length| u8::from(length == CipherKeyLength::Bits256);
    res | mac << 3 | long(parameters.ck) << 5 | long(parameters.ik) << 6
}

fn parameter(set: &Set) -> AlgoParameter {
    AlgoParameter {
        algorithm_id: AlgorithmId::TUAK,
        algorithm_options: [options(set.parameters())],
        key: Secret(hex(set.k)),
        opc: Secret(hex(set.topc)),
        number_of_keccak: i64::from(set.iterations),
        ..milenage()
    }
}

/// The package of the support module with TUAK in place of Milenage. Jumps of
/// the sequence number are not limited: the test sets begin far from zero.
fn package_with(algorithm: AlgoParameter) -> Vec<ProfileElement> {
    let mut elements = package();
    let wide = algorithm.key.0.len() == 32;
    for element in &mut elements {
        match element {
            ProfileElement::Header(header) => {
                header.euicc_mandatory_services = ServicesList {
                    usim: Some(Null),
                    tuak128: (!wide).then_some(Null),
                    tuak256: wide.then_some(Null),
                    ..no_services()
                };
            }
            ProfileElement::AkaParameter(pe) if pe.header.identification == 7 => {
                pe.sqn_options = [0];
                pe.algo_configuration = AlgoConfiguration::AlgoParameter(algorithm.clone());
            }
            _ => {}
        }
    }
    elements
}

fn card_of(set: &Set) -> Uicc {
    let mut card = install_elements(&package_with(parameter(set))).unwrap().0;
    verify_pin(&mut card);
    assert!(select_aid(&mut card, USIM_AID).ends_with("9000"));
    card
}

/// AUTN of a test set: SQN xor AK, AMF, MAC-A, of the published values.
fn autn(set: &Set) -> Vec<u8> {
    let pairs = hex(set.sqn).into_iter().zip(hex(set.ak));
    let concealed: Vec<u8> = pairs.map(|(sqn, ak)| sqn ^ ak).collect();
    [concealed, hex(set.amf), hex(set.mac_a)].concat()
}

fn challenge(card: &mut Uicc, set: &Set, autn: &[u8]) -> String {
    let length = 2 + 16 + autn.len();
    let (rand, autn_length) = (set.rand.to_uppercase(), autn.len());
    let autn = to_hex(autn);
    send(
        card,
        &format!("00880081{length:02X}10{rand}{autn_length:02X}{autn}"),
    )
}

fn with_length(value: &str) -> String {
    format!("{:02X}{}", value.len() / 2, value.to_uppercase())
}

/// Kc of a USIM with GSM access, where CK and IK are short enough for one.
fn kc(set: &Set) -> String {
    let (ck, ik) = (hex(set.ck), hex(set.ik));
    if (ck.len(), ik.len()) != (16, 16) {
        return String::new();
    }
    let octet = |at: usize| ck[at] ^ ck[at + 8] ^ ik[at] ^ ik[at + 8];
    let kc: Vec<u8> = (0..8).map(octet).collect();
    with_length(&to_hex(&kc))
}

#[test]
fn the_test_sets_through_an_installed_profile() {
    for set in &SETS {
        let mut card = card_of(set);
        let expected = format!(
            "DB{}{}{}{}9000",
            with_length(set.res),
            with_length(set.ck),
            with_length(set.ik),
            kc(set),
        );
        let autn = autn(set);
        assert_eq!(challenge(&mut card, set, &autn), expected, "{}", set.rand);
        // The same again is stale: AUTS reports the number that was accepted.
        let answer = challenge(&mut card, set, &autn);
        let (sqn, mask) = (hex(set.sqn), hex(set.ak_star));
        let concealed: Vec<u8> = sqn.iter().zip(mask).map(|(sqn, ak)| sqn ^ ak).collect();
        let rand = hex(set.rand).try_into().unwrap();
        let topc = hex(set.topc).try_into().unwrap();
        let tuak = Tuak::new(&hex(set.k), &topc, set.parameters(), &rand).unwrap();
        let mac_s = tuak.f1_star(&sqn.try_into().unwrap(), &[0, 0]);
        let auts = to_hex(&concealed) + &to_hex(mac_s.as_bytes());
        assert_eq!(answer, format!("DC{}9000", with_length(&auts)));
        // Each octet of AUTN counts, and so does its length.
        for at in 0..autn.len() {
            let mut changed = autn.clone();
            changed[at] ^= 0x40;
            assert_eq!(challenge(&mut card, set, &changed), "9862", "octet {at}");
        }
        assert_eq!(challenge(&mut card, set, &autn[..autn.len() - 1]), "6A80");
    }
}

#[test]
fn the_gsm_context_where_the_keys_make_a_kc() {
    for set in &SETS {
        let mut card = card_of(set);
        let answer = send(&mut card, &format!("008800801110{}", set.rand));
        if kc(set).is_empty() {
            assert_eq!(answer, "6985");
            continue;
        }
        let mut sres = [0; 4];
        for (at, octet) in hex(set.res).into_iter().enumerate() {
            sres[at % 4] ^= octet;
        }
        let expected = format!("{}{}9000", with_length(&to_hex(&sres)), kc(set));
        assert_eq!(answer, expected);
    }
}

#[test]
fn authentications_are_counted() {
    let set = &SETS[0];
    let mut algorithm = parameter(set);
    algorithm.auth_counter_max = Some([0, 0, 2]);
    let mut card = install_elements(&package_with(algorithm)).unwrap().0;
    verify_pin(&mut card);
    select_aid(&mut card, USIM_AID);
    let autn = autn(set);
    assert!(challenge(&mut card, set, &autn).starts_with("DB"));
    assert!(challenge(&mut card, set, &autn).starts_with("DC"));
    assert_eq!(challenge(&mut card, set, &autn), "6985");
}

#[test]
fn parameters_that_are_none_of_tuak() {
    let refused = |change: fn(&mut AlgoParameter)| {
        let mut algorithm = parameter(&SETS[0]);
        change(&mut algorithm);
        let error = install_elements(&package_with(algorithm)).unwrap_err();
        let reason = ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR;
        assert_eq!(error.reason, reason);
        to_hex(&error.response)
    };
    // badValues of element 7.
    let short_key = refused(|a| a.key = Secret(vec![1; 24]));
    assert!(short_key.contains("800103810107"), "{short_key}");
    for answer in [
        refused(|a| a.opc = Secret(vec![1; 16])),
        refused(|a| a.number_of_keccak = 0),
        refused(|a| a.number_of_keccak = 256),
        refused(|a| a.algorithm_options = [0x80]),
        refused(|a| a.algorithm_options = [0x04]),
        refused(|a| a.algorithm_options = [0x18]),
    ] {
        assert_eq!(answer, short_key);
    }
    // A header that mandates the other key length.
    let mut elements = package_with(parameter(&SETS[0]));
    if let ProfileElement::Header(header) = &mut elements[0] {
        header.euicc_mandatory_services.tuak256 = Some(Null);
    }
    assert!(install_elements(&elements).is_err());
}
