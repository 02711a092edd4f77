//! Rows of the test catalogue that no other file has in one place.

use rsp_asn1::rsp::*;
use rsp_asn1::saip::{FileCommand, NonStandard, PeHeader, ProfileElement, encode_package};
use rsp_asn1::sgp32::EuiccPackageResult;
use rsp_asn1::{Asn1, BitString, Null};

use crate::common::{Host, hex, verifies};
use crate::eims::Eim;
use crate::packages::{A, B, codes, enable, psmo};
use crate::profile::elements_of;
use crate::server::{self, Contents, Server, segments};

/// Reason and response of a failed installation.
fn failure(result: &ProfileInstallationResult) -> (i64, i64, Option<Vec<u8>>) {
    match &result.profile_installation_result_data.final_result {
        FinalResult::Error(error) => (
            error.bpp_command_id.0,
            error.error_reason.0,
            error.sima_response.clone(),
        ),
        FinalResult::Success(_) => panic!("a success"),
    }
}

/// EUI-50: a package of many octets in blocks of 255, and in small ones.
#[test]
fn a_long_package_in_blocks() {
    for block in [255, 6] {
        let mut host = Host::ready();
        let mut eim = Eim::new("eim1");
        host.add(&eim, false);
        host.block = block;
        let package = eim.package(&hex(&"BF2D00".repeat(220)));
        assert!(package.len() > 600);
        let answer = host.es10(&package);
        let EuiccPackageResult::Signed(result) = EuiccPackageResult::from_der(&answer).unwrap()
        else {
            panic!("not signed");
        };
        let results = &eim.verified(&result).euicc_result;
        assert_eq!(codes(results), vec![2000; 220]);
    }
}

/// EUI-55: two segments of the profile that change places, one that is cut, and
/// one under another tag.
#[test]
fn protected_segments_out_of_place() {
    type Change = fn(&mut Segments);
    let cases: [(Change, i64); 4] = [
        (|segments| segments.0.swap(0, 1), 8),
        (|segments| drop(segments.0.remove(0)), 8),
        (|segments| segments.0[0] = vec![0x86, 0], 7),
        (|segments| segments.0[0][0] = 0x87, 7),
    ];
    for (change, reason) in cases {
        let mut host = Host::ready();
        let server = Server::new();
        let euicc_otpk = host.bind(&server);
        let mut package = server.package(&euicc_otpk, &Contents::of(A));
        assert!(package.sequence_of_86.0.len() > 1);
        change(&mut package.sequence_of_86);
        let result = host.load(&segments(&package));
        let (command, got, _) = failure(&result);
        assert_eq!((command, got), (5, reason));
        host.install(A);
    }
}

/// EUI-58: packages that the installer refuses: an unknown element that is
/// mandated, an unknown template, a PIN that a rule names and nobody brings.
#[test]
fn what_the_installer_refuses() {
    let mandated = |elements: &mut Vec<ProfileElement>| {
        let element = NonStandard {
            header: PeHeader {
                mandated: Some(Null),
                ..crate::uicc_support::header(40)
            },
            issuer_id: "2.999".parse().unwrap(),
            content: vec![1],
            extensions: Default::default(),
        };
        elements.insert(5, ProfileElement::NonStandard(element));
    };
    let template = |elements: &mut Vec<ProfileElement>| {
        if let ProfileElement::Header(header) = &mut elements[0] {
            let oid = "2.23.143.1.2.99".parse().unwrap();
            header.euicc_mandatory_gfste_list.push(oid);
        }
    };
    let pin_missing = |elements: &mut Vec<ProfileElement>| {
        elements.remove(9);
        for element in elements {
            if let ProfileElement::Isim(pe) = element
                && let Some(FileCommand::FileDescriptor(fcp)) = pe.file_mut(3).unwrap().first_mut()
            {
                fcp.security_attributes_referenced = Some(vec![8]);
            }
        }
    };
    type Change<'a> = &'a dyn Fn(&mut Vec<ProfileElement>);
    let changes: [(Change<'_>, PeStatusCode); 3] = [
        (&mandated, PeStatusCode::PE_NOT_SUPPORTED),
        (&template, PeStatusCode::TEMPLATE_NOT_SUPPORTED),
        (&pin_missing, PeStatusCode::PIN_CODE_MISSING),
    ];
    let mut host = Host::ready();
    for (change, status) in changes {
        let mut elements = elements_of(A.parse().unwrap());
        change(&mut elements);
        let contents = Contents {
            profile: encode_package(&elements),
            ..Contents::of(A)
        };
        let (command, reason, response) = failure(&host.download(&contents));
        assert_eq!((command, reason), (5, 12), "{status}");
        let response = rsp_asn1::saip::EuiccResponse::from_der(&response.unwrap()).unwrap();
        assert_eq!(response.pe_status.last().unwrap().status, status);
        assert!(response.profile_installation_aborted.is_some());
    }
    host.install(A);
}

use rsp_asn1::saip::PeStatusCode;

/// EUI-59: a session can be cancelled for any reason, and the card signs it.
#[test]
fn a_session_is_cancelled_for_every_reason() {
    let server = Server::new();
    let mut host = Host::ready();
    for reason in [0, 1, 2, 3, 4, 5, 127] {
        host.bind(&server);
        let request = CancelSessionRequest {
            transaction_id: server.transaction_id.clone(),
            reason: CancelSessionReason(reason),
            extensions: Default::default(),
        };
        let answer = CancelSessionResponse::from_der(&host.es10(&request.to_der())).unwrap();
        let CancelSessionResponse::Ok(ok) = answer else {
            panic!("{answer:?}");
        };
        let signed = &ok.euicc_cancel_session_signed;
        assert_eq!(signed.reason.0, reason);
        let key = rsp_crypto::SigningKey::public_key(&server.pki.euicc);
        let signature = &ok.euicc_cancel_session_signature;
        assert!(verifies(key, &[signed.as_bytes()], signature));
        assert_eq!(host.store(&hex("BF3600")), 0x6985, "the session is over");
    }
}

/// EUI-60: what a profile's metadata want told, to whom they want it told, once
/// each, until it is removed.
#[test]
fn notifications_go_to_whoever_wants_them() {
    let entry = |bits: &[u8], address: &str| NotificationConfigurationInformation {
        profile_management_operation: BitString::of(bits),
        notification_address: address.into(),
        extensions: Default::default(),
    };
    let mut host = Host::ready();
    host.install_with(A, |metadata| {
        metadata.notification_configuration_info = Some(vec![
            entry(&[0, 1, 2, 3], "all.example"),
            entry(&[1, 3], "some.example"),
        ]);
    });
    let mut eim = Eim::new("eim1");
    host.add(&eim, false);
    host.run(&mut eim, &enable(A));
    host.run(&mut eim, &(psmo("A4", A) + &psmo("A5", A)));
    let list = |host: &mut Host| {
        let answer = ListNotificationResponse::from_der(&host.es10(&hex("BF2800"))).unwrap();
        match answer {
            ListNotificationResponse::Ok(list) => list,
            ListNotificationResponse::Error(code) => panic!("{code}"),
        }
    };
    let waiting = list(&mut host);
    let told: Vec<_> = waiting
        .iter()
        .map(|metadata| {
            let bits = &metadata.profile_management_operation;
            let event = (0..4).find(|bit| bits.bit(*bit)).unwrap();
            (event, metadata.notification_address.as_str())
        })
        .collect();
    let expected = [
        (0, server::ADDRESS),
        (1, "all.example"),
        (1, "some.example"),
        (2, "all.example"),
        (3, "all.example"),
        (3, "some.example"),
    ];
    assert_eq!(told, expected);
    for metadata in &waiting {
        let remove = [0xBF, 0x30, 3, 0x80, 1, metadata.seq_number as u8];
        assert_eq!(host.es10(&remove), hex("BF3003800100"));
        assert_eq!(host.es10(&remove), hex("BF3003800101"));
    }
    assert_eq!(list(&mut host), []);
    host.install(B);
    assert_eq!(list(&mut host).len(), 1);
}
