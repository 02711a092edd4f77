//! Profile packages of the field: each installs, and the card that results
//! answers and authenticates with the package's own keys.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod uicc_support;

use std::path::Path;

use euicc::uicc::{Installer, Uicc};
use rsp_asn1::saip::{AlgoConfiguration, AlgorithmId, ProfileElement, decode_package};
use rsp_crypto::aka::{Algorithm, Challenge, ResLength, generate_vector};
use rsp_crypto::software::SoftwareProvider;
use uicc_support::*;

const SUCCESS: &str = "3007A0053003800100";
const RAND: [u8; 16] = [0x5A; 16];

/// The packages that must install.
fn packages(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder.join("data/ts48"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.push(folder.join("spec/minimal-profile.der"));
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(path).unwrap())
    };
    files.iter().map(read).collect()
}

/// Key and algorithm of the first akaParameter.
fn keys(package: &[u8]) -> ([u8; 16], Algorithm) {
    let elements = decode_package(package).unwrap();
    let found = elements.iter().find_map(|element| match element {
        ProfileElement::AkaParameter(pe) => match &pe.algo_configuration {
            AlgoConfiguration::AlgoParameter(algorithm) => Some(algorithm.clone()),
            AlgoConfiguration::MappingParameter(_) => None,
        },
        _ => None,
    });
    let found = found.unwrap();
    let k = found.key.0.as_slice().try_into().unwrap();
    let algorithm = match found.algorithm_id {
        AlgorithmId::MILENAGE => Algorithm::milenage(found.opc.0.as_slice().try_into().unwrap()),
        _ => Algorithm::Test {
            res_length: ResLength::MAX,
        },
    };
    (k, algorithm)
}

fn content(package: &[u8], usim: bool, member: u8) -> Vec<u8> {
    use rsp_asn1::saip::FileCommand;
    let elements = decode_package(package).unwrap();
    let pe = elements.iter().find_map(|element| match element {
        ProfileElement::Usim(pe) if usim => Some(pe.clone()),
        ProfileElement::Mf(pe) if !usim => Some(pe.clone()),
        _ => None,
    });
    let file = pe.unwrap().file(member).unwrap().clone();
    let content = file.iter().find_map(|command| match command {
        FileCommand::FillFileContent(octets) => Some(octets.clone()),
        _ => None,
    });
    content.unwrap()
}

fn check_card(name: &str, package: &[u8], card: &mut Uicc) {
    let iccid = content(package, false, 4);
    assert_eq!(card.iccid().as_swapped().as_slice(), iccid, "{name}");
    assert!(send(card, "00A40004022FE2").ends_with("9000"), "{name}");
    assert_eq!(
        send(card, "00B000000A"),
        format!("{}9000", to_hex(&iccid)),
        "{name}"
    );

    let fcp = select_aid(card, USIM_AID);
    assert!(
        fcp.starts_with("62") && fcp.ends_with("9000"),
        "{name}: {fcp}"
    );
    assert!(fcp.contains(&format!("840C{USIM_AID}")), "{name}: {fcp}");
    let imsi = content(package, true, 3);
    assert!(send(card, "00A40804047FFF6F07").ends_with("9000"), "{name}");
    assert_eq!(
        send(card, "00B0000009"),
        format!("{}9000", to_hex(&imsi)),
        "{name}"
    );
    // The same by its short identifier.
    assert_eq!(
        send(card, "00B0870009"),
        format!("{}9000", to_hex(&imsi)),
        "{name}"
    );
}

fn check_authentication(name: &str, package: &[u8], card: &mut Uicc) {
    let (k, algorithm) = keys(package);
    let provider = SoftwareProvider;
    let vector = |sqn, amf| generate_vector(&provider, &k, &algorithm, sqn, amf, RAND);

    let quintet = vector([0, 0, 0, 0, 1, 0x20], [0x80, 0]);
    let answer = authenticate(card, &RAND, &quintet.autn);
    let res = quintet.xres.as_bytes();
    let mut expected = vec![0xDB, res.len() as u8];
    expected.extend(res);
    expected.push(16);
    expected.extend(quintet.ck);
    expected.push(16);
    expected.extend(quintet.ik);
    assert!(answer.starts_with(&expected), "{name}: {}", to_hex(&answer));
    assert!(answer.ends_with(&[0x90, 0x00]), "{name}");

    let mut wrong = quintet.autn;
    wrong[15] ^= 1;
    assert_eq!(authenticate(card, &RAND, &wrong), [0x98, 0x62], "{name}");

    let stale = match algorithm {
        Algorithm::Milenage { .. } => quintet,
        _ => vector([0, 0, 0, 0, 1, 0x20], [0xFF, 0xFF]),
    };
    let answer = authenticate(card, &RAND, &stale.autn);
    assert_eq!(
        (answer[0], answer[1], answer.len()),
        (0xDC, 14, 18),
        "{name}"
    );
    let auts = answer[2..16].try_into().unwrap();
    let challenge = Challenge::new(&provider, &k, &algorithm, &RAND);
    let sqn_ms = challenge.open_auts(&auts).unwrap();
    assert_eq!(sqn_ms, [0, 0, 0, 0, 1, 0x20], "{name}");
    let fresh = vector([0, 0, 0, 0, 1, 0x40], [0x80, 0]);
    let answer = authenticate(card, &RAND, &fresh.autn);
    assert_eq!(answer[0], 0xDB, "{name}");
}

#[test]
fn packages_of_the_field_install_and_authenticate() {
    let name = "packages_of_the_field_install_and_authenticate";
    let Some(folder) = test_data(name) else {
        return;
    };
    let packages = packages(&folder);
    assert!(packages.len() >= 12);
    for (name, package) in packages {
        let (mut card, response) =
            install(&package).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(to_hex(&response), SUCCESS, "{name}");
        assert!(
            card.memory_used() > 1_000 && card.memory_used() < 64 * 1024,
            "{name}"
        );
        check_card(&name, &package, &mut card);
        check_authentication(&name, &package, &mut card);
    }
}

#[test]
fn a_test_profile_has_its_files_links_and_codes() {
    let Some(folder) = test_data("a_test_profile_has_its_files_links_and_codes") else {
        return;
    };
    let path = folder.join("data/ts48/TS48v7_SAIP2.3_BERTLV_SUCI.der");
    let (mut card, _) = install(&std::fs::read(path).unwrap()).unwrap();

    // EF.LAUNCH_SCWS in DF GRAPHICS, EF.PBR in DF PHONEBOOK.
    assert!(send(&mut card, "00A40804067F105F504F01").ends_with("9000"));
    assert!(send(&mut card, "00A40804067F105F3A4F30").ends_with("9000"));
    assert!(send(&mut card, "00B2010464").starts_with("A823C0034F3A"));
    // EF.ADN below DF TELECOM is a link to the one in the phonebook.
    assert!(send(&mut card, "00A40804047F106F3A").ends_with("9000"));
    let by_link = send(&mut card, "00B201041C");
    assert!(by_link.starts_with("546573746E722E31"), "{by_link}");
    // ADM1 opens what is the ADM's: EF.ACC in the USIM.
    select_aid(&mut card, USIM_AID);
    assert!(send(&mut card, "00A40004026F78").ends_with("9000"));
    assert_eq!(send(&mut card, "00D6000002000F"), "6982");
    assert_eq!(send(&mut card, "0020000A083535353535353535"), "9000");
    assert_eq!(send(&mut card, "00D6000002000F"), "9000");
    assert_eq!(send(&mut card, "00B0000002"), "000F9000");
    // DF 5GS of the USIM, and the ISIM by part of its AID.
    assert!(send(&mut card, "00A40804047FFF5FC0").ends_with("9000"));
    assert!(send(&mut card, "00B0870005").starts_with("A0020000FF"));
    assert!(select_aid(&mut card, "A0000000871004").contains(ISIM_AID));
    assert!(select_aid(&mut card, "A0000003431002").ends_with("9000"));
    assert_eq!(select_aid(&mut card, "A000000151000000"), "6A82");
}

#[test]
fn octet_by_octet_is_as_good_as_at_once() {
    let Some(folder) = test_data("octet_by_octet_is_as_good_as_at_once") else {
        return;
    };
    for (name, package) in packages(&folder) {
        let mut installer = Installer::new();
        for octet in &package {
            installer.feed(&[*octet], &SoftwareProvider).unwrap();
        }
        let (card, response) = installer.finish().unwrap();
        let (at_once, _) = install(&package).unwrap();
        assert_eq!(to_hex(&response), SUCCESS, "{name}");
        assert!(card == at_once, "{name}");
    }
}
