//! What the installer refuses and why, and that nothing makes it fall over.
// Tests choose their data and their length by the environment.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod uicc_support;

use euicc::uicc::{InstallError, Installer, Uicc};
use rsp_asn1::rsp::ErrorReason;
use rsp_asn1::saip::*;
use rsp_asn1::{Asn1, Null};
use rsp_crypto::software::SoftwareProvider;
use uicc_support::*;

/// Status and identification that an error reports.
fn status(error: &InstallError) -> (PeStatusCode, Option<i64>) {
    let response = EuiccResponse::from_der(&error.response).unwrap();
    assert!(response.profile_installation_aborted.is_some());
    let [status] = response.pe_status.as_slice() else {
        panic!("{response:?}");
    };
    (status.status, status.identification)
}

fn refused(elements: &[ProfileElement]) -> (PeStatusCode, Option<i64>, ErrorReason) {
    let error = install_elements(elements).map(|_| ()).unwrap_err();
    let (status, identification) = status(&error);
    (status, identification, error.reason)
}

const PE: ErrorReason = ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR;

/// The package with one element changed.
fn with(change: impl Fn(&mut ProfileElement)) -> Vec<ProfileElement> {
    let mut elements = package();
    elements.iter_mut().for_each(change);
    elements
}

fn with_header(change: impl Fn(&mut ProfileHeader)) -> Vec<ProfileElement> {
    with(|element| {
        if let ProfileElement::Header(header) = element {
            change(header);
        }
    })
}

#[test]
fn the_own_package_installs() {
    let (card, response) = install_elements(&package()).unwrap();
    assert_eq!(to_hex(&response), "3007A0053003800100");
    assert_eq!(card.iccid().to_string(), "8999970000000000027");
    let used = card.memory_used();
    assert!((5_000..20_000).contains(&used), "{used}");
}

#[test]
fn templates_fill_what_the_package_leaves_out() {
    let mut card = card();
    verify_pin(&mut card);
    select_aid(&mut card, USIM_AID);
    let files = [
        // EF.HPPLMN, EF.LOCI, EF.SPN with a fill pattern, EF.UST without GBA.
        ("6F31", 1, "0A"),
        ("6F7E", 11, "FFFFFFFFFFFFFF0000FF01"),
        ("6F46", 17, "0153696DFFFFFFFFFFFFFFFFFFFFFFFFFF"),
        ("6F38", 17, "0200000420000000000000000000000000"),
        // EF.EHPLMN with a repeat pattern.
        ("6FD9", 15, "62F21062F21062F21062F21062F210"),
    ];
    for (fid, length, contents) in files {
        assert_eq!(
            send(&mut card, &format!("00A4000C02{fid}")),
            "9000",
            "{fid}"
        );
        let read = send(&mut card, &format!("00B00000{length:02X}"));
        assert_eq!(read, format!("{contents}9000"), "{fid}");
    }
    // EF.SMS: each record is free. EF.ECC: an offset into the second record.
    assert_eq!(send(&mut card, "00A4000C026F3C"), "9000");
    assert!(send(&mut card, "00B20A04B0").starts_with("00FF"));
    assert_eq!(send(&mut card, "00A4000C026FB7"), "9000");
    assert_eq!(send(&mut card, "00B2010404"), "FFFFFFFF9000");
    assert_eq!(send(&mut card, "00B2020404"), "11F2FF009000");
    // doNotCreate.
    assert_eq!(send(&mut card, "00A4000C026FC4"), "6A82");
}

#[test]
fn headers_that_ask_for_too_much() {
    let version = with_header(|header| header.major_version = 4);
    let expected = (PeStatusCode::UNSUPPORTED_PROFILE_VERSION, None, PE);
    assert_eq!(refused(&version), expected);
    let multos = with_header(|header| header.euicc_mandatory_services.multos = Some(Null));
    assert_eq!(refused(&multos).0, PeStatusCode::RUNTIME_NOT_SUPPORTED);
    let mbms = with_header(|header| header.euicc_mandatory_services.mbms = Some(Null));
    assert_eq!(refused(&mbms).0, PeStatusCode::FEATURE_NOT_SUPPORTED);
    let tuak = with_header(|header| header.euicc_mandatory_services.tuak128 = Some(Null));
    assert_eq!(
        refused(&tuak),
        (PeStatusCode::INVALID_PARAMETER, Some(12), PE)
    );
    let template = with_header(|header| {
        let oid = "2.23.143.1.2.99".parse().unwrap();
        header.euicc_mandatory_gfste_list.push(oid);
    });
    assert_eq!(refused(&template).0, PeStatusCode::TEMPLATE_NOT_SUPPORTED);
    let csim = with_header(|header| header.euicc_mandatory_services.csim = Some(Null));
    assert_eq!(
        refused(&csim),
        (PeStatusCode::INVALID_PARAMETER, Some(12), PE)
    );
}

#[test]
fn two_iccids_are_a_mismatch() {
    let other = with_header(|header| header.iccid[4] = 0x11);
    let (status, identification, reason) = refused(&other);
    assert_eq!(
        (status, identification),
        (PeStatusCode::BAD_VALUES, Some(1))
    );
    assert_eq!(reason, ErrorReason::INSTALL_FAILED_DUE_TO_DATA_MISMATCH);
}

/// An application with one instance, and code of this size.
fn application(identification: i64, instance: &str, code: usize) -> ProfileElement {
    ProfileElement::Application(Application {
        header: header(identification),
        load_block: Some(ApplicationLoadPackage {
            load_package_aid: hex("A000000999F001"),
            security_domain_aid: None,
            non_volatile_code_limit_c6: None,
            volatile_data_limit_c7: None,
            non_volatile_data_limit_c8: None,
            hash_value: None,
            load_block_object: vec![0x5A; code],
            extensions: Default::default(),
        }),
        instance_list: Some(vec![ApplicationInstance {
            application_load_package_aid: hex("A000000999F001"),
            class_aid: hex("A000000999F00101"),
            instance_aid: hex(instance),
            extradite_security_domain_aid: None,
            application_privileges: hex("000000"),
            life_cycle_state: [0x07],
            application_specific_parameters_c9: hex("8100"),
            system_specific_parameters: None,
            application_parameters: None,
            process_data: None,
            control_reference_template: None,
            extensions: Default::default(),
        }]),
        extensions: Default::default(),
    })
}

#[test]
fn applications_are_kept_and_do_not_run() {
    let with = |applications: Vec<ProfileElement>| {
        let mut elements =
            with_header(|header| header.euicc_mandatory_services.javacard = Some(Null));
        let end = elements.pop();
        elements.extend(applications);
        elements.extend(end);
        elements
    };
    let instance = "A000000999F0010101";
    let (mut card, _) = install_elements(&with(vec![application(40, instance, 3000)])).unwrap();
    // The code takes memory; the instance is known and cannot be selected.
    let (without, _) = install_elements(&package()).unwrap();
    assert!(card.memory_used() >= without.memory_used() + 3000);
    assert_eq!(select_aid(&mut card, instance), "6999");
    assert_eq!(select_aid(&mut card, "A000000999F0010102"), "6A82");
    assert!(select_aid(&mut card, USIM_AID).ends_with("9000"));
    let twice = with(vec![
        application(40, instance, 10),
        application(41, instance, 10),
    ]);
    let expected = (PeStatusCode::BAD_VALUES, Some(41), PE);
    assert_eq!(refused(&twice), expected);
}

#[test]
fn elements_out_of_order() {
    let move_to = |from: usize, to: usize| {
        let mut elements = package();
        let element = elements.remove(from);
        elements.insert(to, element);
        refused(&elements)
    };
    let format = PeStatusCode::INVALID_REQUEST_FORMAT;
    // No header first; a USIM before the MF; files of a USIM before it.
    assert_eq!(move_to(0, 1), (format, Some(1), PE));
    assert_eq!(move_to(4, 1), (format, Some(4), PE));
    assert_eq!(move_to(5, 4), (format, Some(5), PE));
    // PINs before the PUKs that they name.
    assert_eq!(move_to(2, 3), (PeStatusCode::PIN_CODE_MISSING, Some(3), PE));
    // Something after the end.
    assert_eq!(move_to(12, 11), (format, Some(11), PE));
}

#[test]
fn elements_that_are_twice_or_missing() {
    let format = PeStatusCode::INVALID_REQUEST_FORMAT;
    for index in 0..12 {
        let mut elements = package();
        elements.insert(index, elements[index].clone());
        assert_eq!(refused(&elements).0, format, "{index}");
    }
    let mut elements = package();
    elements.pop();
    assert_eq!(refused(&elements), (format, None, PE));
    // Without its own PINs the ISIM lacks the PIN2 that its rules name.
    let mut elements = package();
    elements.remove(9);
    let missing = (PeStatusCode::PIN_CODE_MISSING, Some(12), PE);
    let rule = |element: &mut ProfileElement| {
        if let ProfileElement::Isim(pe) = element {
            let file = pe.file_mut(3).unwrap();
            if let Some(FileCommand::FileDescriptor(fcp)) = file.first_mut() {
                fcp.security_attributes_referenced = Some(vec![8]);
            }
        }
    };
    elements.iter_mut().for_each(rule);
    assert_eq!(refused(&elements), missing);
}

#[test]
fn what_is_not_mandated_is_skipped() {
    let non_standard = |mandated| {
        ProfileElement::NonStandard(NonStandard {
            header: PeHeader {
                mandated,
                ..header(40)
            },
            issuer_id: "2.999".parse().unwrap(),
            content: vec![1],
            extensions: Default::default(),
        })
    };
    let mut elements = package();
    elements.insert(5, non_standard(Some(Null)));
    assert_eq!(
        refused(&elements),
        (PeStatusCode::PE_NOT_SUPPORTED, Some(40), PE)
    );
    elements[5] = non_standard(None);
    let (_, response) = install_elements(&elements).unwrap();
    let response = EuiccResponse::from_der(&response).unwrap();
    assert!(response.profile_installation_aborted.is_none());
    let statuses: Vec<_> = response.pe_status.iter().map(|s| s.status).collect();
    assert_eq!(statuses, [PeStatusCode::PE_NOT_SUPPORTED, PeStatusCode::OK]);
    assert_eq!(response.pe_status[0].identification, Some(40));
}

#[test]
fn algorithms_and_their_parameters() {
    let with_algorithm = |change: fn(&mut AkaParameter, &mut AlgoParameter)| {
        with(|element| {
            if let ProfileElement::AkaParameter(pe) = element {
                let mut algorithm = milenage();
                if pe.header.identification == 7 {
                    change(pe, &mut algorithm);
                    pe.algo_configuration = AlgoConfiguration::AlgoParameter(algorithm);
                }
            }
        })
    };
    let other = with_algorithm(|_, a| a.algorithm_id = AlgorithmId(4));
    assert_eq!(
        refused(&other),
        (PeStatusCode::INVALID_PARAMETER, Some(7), PE)
    );
    let short = with_algorithm(|_, a| a.key = Secret(vec![0; 15]));
    assert_eq!(refused(&short), (PeStatusCode::BAD_VALUES, Some(7), PE));
    let few = with_algorithm(|pe, _| pe.sqn_init = Some(vec![[0; 6]; 31]));
    assert_eq!(refused(&few).0, PeStatusCode::BAD_VALUES);
    let large = with_algorithm(|pe, _| pe.sqn_init = Some(vec![[0x08, 0, 0, 0, 0, 0]; 32]));
    assert_eq!(refused(&large).0, PeStatusCode::BAD_VALUES);
    // The header mandates Milenage.
    let test = with_algorithm(|_, a| a.algorithm_id = AlgorithmId::USIM_TEST_ALGORITHM);
    assert_eq!(
        refused(&test),
        (PeStatusCode::INVALID_PARAMETER, Some(12), PE)
    );
}

#[test]
fn files_that_cannot_be() {
    let generic = |commands: Vec<FileManagementCommand>| {
        refused(&with(|element| {
            if let ProfileElement::GenericFileManagement(pe) = element {
                pe.file_management_cmd = vec![commands.clone()];
            }
        }))
    };
    let ef = || F::new().fid(0x6F20).descriptor("4121").rule("0A");
    let bad = (PeStatusCode::BAD_VALUES, Some(11), PE);
    assert_eq!(generic(ef().commands()), bad, "no size");
    assert_eq!(
        generic(ef().size(2).write("010203").commands()),
        bad,
        "too much"
    );
    assert_eq!(
        generic(ef().size(2).skip(2).write("01").commands()),
        bad,
        "beyond"
    );
    assert_eq!(generic(ef().size(2).fid(0x2F06).commands()), bad, "twice");
    assert_eq!(
        generic(ef().size(2).fid(0x7FFF).commands()),
        bad,
        "reserved"
    );
    assert_eq!(
        generic(ef().descriptor("42210005").size(12).commands()),
        bad,
        "parts"
    );
    assert_eq!(generic(ef().link("7F996F07").commands()), bad, "no target");
    let fill = FileManagementCommand::FillFileContent(vec![1]);
    assert_eq!(generic(vec![fill]), bad, "no file");
    let path = FileManagementCommand::FilePath(hex("7F99"));
    assert_eq!(generic(vec![path]), bad, "no directory");
}

#[test]
fn memory_is_bounded() {
    let memory = ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE;
    let create = |count: u16, size: u16| {
        let mut commands = Vec::new();
        for index in 0..count {
            let fid = 0x5000 + index;
            let ef = F::new().fid(fid).descriptor("4121").rule("0A").size(size);
            commands.extend(ef.commands());
        }
        refused(&with(|element| {
            if let ProfileElement::GenericFileManagement(pe) = element {
                pe.file_management_cmd = vec![commands.clone()];
            }
        }))
    };
    let expected = (PeStatusCode::NOT_ENOUGH_MEMORY, Some(11), memory);
    assert_eq!(create(10, 60_000), expected);
    assert_eq!(create(2_000, 1), expected);
    // An element that says it is larger than any may be.
    let mut installer = Installer::new();
    let announced = hex("A0831FFFFF");
    let error = installer.feed(&announced, &SoftwareProvider).unwrap_err();
    assert_eq!(error.reason, memory);
    // An error stays.
    let again = installer.feed(&encode_package(&package()), &SoftwareProvider);
    assert_eq!(again.unwrap_err(), error);
    assert_eq!(installer.finish().map(|_| ()).unwrap_err(), error);
}

#[test]
fn any_cut_gives_the_same_card() {
    let package = encode_package(&package());
    let (at_once, _) = install(&package).unwrap();
    for size in [1, 2, 7, 250] {
        let mut installer = Installer::new();
        for part in package.chunks(size) {
            installer.feed(part, &SoftwareProvider).unwrap();
        }
        let (card, _) = installer.finish().unwrap();
        assert!(card == at_once, "{size}");
    }
}

#[test]
fn a_package_cut_short_is_an_error() {
    let package = encode_package(&package());
    for length in 0..package.len() {
        let error = install(&package[..length]).map(|_| ()).unwrap_err();
        let response = EuiccResponse::from_der(&error.response).unwrap();
        assert_eq!(
            response.pe_status[0].status,
            PeStatusCode::INVALID_REQUEST_FORMAT
        );
    }
}

/// A generator of our own, so that a failing case is its seed.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// A card that a mutation made must answer whatever it is asked.
fn exercise(card: &mut Uicc, random: &mut Random) {
    for command in [
        "00A40004023F00",
        "00A4040404A0000000",
        "00A4000C026F07",
        "00B0000000",
        "00A4000C026F06",
        "00B2010400",
        "80F2000000",
        "0020000100",
        "00B0870000",
    ] {
        let response = transmit(card, random.next(20) as u8, &hex(command));
        assert!(response.len() >= 2);
    }
}

#[test]
fn mutated_packages_install_or_are_refused() {
    let original = encode_package(&package());
    let runs = std::env::var("SIMURGH_RUNS")
        .ok()
        .and_then(|runs| runs.parse().ok());
    for seed in 1..=runs.unwrap_or(3_000u64) {
        println!("seed {seed}");
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut package = original.clone();
        for _ in 0..=random.next(4) {
            let at = random.next(package.len());
            match random.next(4) {
                0 => package[at] = random.next(256) as u8,
                1 => package[at] ^= 1 << random.next(8),
                2 => drop(package.drain(at..(at + random.next(8)).min(package.len()))),
                _ => package.insert(at, random.next(256) as u8),
            }
        }
        match install(&package) {
            Ok((mut card, _)) => exercise(&mut card, &mut random),
            Err(error) => {
                let response = EuiccResponse::from_der(&error.response).unwrap();
                assert!(response.profile_installation_aborted.is_some());
            }
        }
    }
}

#[test]
fn random_commands_never_fail_to_answer() {
    let fresh = card();
    for seed in 1..=300u64 {
        println!("seed {seed}");
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut card = fresh.clone();
        verify_pin(&mut card);
        for _ in 0..50 {
            let instructions = hex("A4B0D6B2DCA22024262C88C0F232CBDB0444");
            let fids = [
                "3F00", "2F06", "7F66", "6F10", "6F11", "6F12", "6F13", "7FFF", "6F07",
            ];
            let mut apdu = vec![
                [0x00, 0x80][random.next(2)],
                instructions[random.next(instructions.len())],
                [0, 1, 4, 8, 0x80, 0x87, random.next(256) as u8][random.next(7)],
                [0, 4, 2, 3, 0x81, 0x80, random.next(256) as u8][random.next(7)],
            ];
            let data: Vec<u8> = match random.next(3) {
                0 => hex(fids[random.next(fids.len())]),
                1 => (0..random.next(40))
                    .map(|_| random.next(256) as u8)
                    .collect(),
                _ => Vec::new(),
            };
            apdu.push(data.len() as u8);
            apdu.extend(data);
            let response = transmit(&mut card, random.next(3) as u8, &apdu);
            assert!((2..=258).contains(&response.len()), "{}", to_hex(&apdu));
        }
    }
}
