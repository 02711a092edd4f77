//! Messages of the standards, byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use rsp_asn1::rsp::*;
use rsp_asn1::sgp32::*;
use rsp_asn1::{Asn1, Extension};
use support::types::{SGP22, SGP32};
use support::{bytes, round_trip, test_data};

const SIGNATURE: &str = "00010203040506070809000102030405060708090001020304050607080900010203\
                         040506070809000102030405060708090001020304050607080900010203";

/// One row of the table of examples: what it is, the type, the octets.
fn example(line: &str) -> Option<(&str, &str, Vec<u8>)> {
    let mut columns = line.split('|').map(str::trim).skip(1);
    let (what, ty, der) = (columns.next()?, columns.next()?, columns.next()?);
    let der = der.strip_prefix('`')?.split('`').next()?;
    Some((what, ty, bytes(&der.replace("<64 bytes>", SIGNATURE))))
}

#[test]
fn every_example_of_the_collection_reencodes_byte_for_byte() {
    let Some(folder) = test_data("every_example_of_the_collection_reencodes_byte_for_byte") else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("spec/asn1/worked-examples.md")).unwrap();
    let rows = text.lines().filter(|line| line.contains("| `")).count();
    let examples: Vec<_> = text.lines().filter_map(example).collect();
    assert!(examples.len() > 80, "{} examples", examples.len());
    assert_eq!(examples.len(), rows, "a row without octets");
    for (what, ty, der) in examples {
        // The two modules have types of the same name: one of them it must be.
        let of = |table: &'static [(&'static str, _)]| table.iter().find(|(name, _)| *name == ty);
        let known: Vec<_> = [of(SGP32), of(SGP22)].into_iter().flatten().collect();
        assert!(!known.is_empty(), "{what}: no type {ty}");
        let results: Vec<_> = known.iter().map(|(_, recode)| recode(&der)).collect();
        assert!(
            results.iter().any(|result| result.as_ref() == Ok(&der)),
            "{what}: {results:02X?}"
        );
    }
}

#[test]
fn esipa_messages() {
    for hex in [
        "BF4F125A1089049032123451234512345678901235",
        "BF4F1C5A10890490321234512345123456789012358000810101820362F210",
        "BF501A5A1089049032123451234512345678901235BF5105A203800165",
        "BF501E5A1089049032123451234512345678901235300ABF5105A203800165A000",
        "BF50175A1089049032123451234512345678901235A003020102",
        "BF501D5A1089049032123451234512345678901235BF5208A106800102020101",
        "BF504B5A1089049032123451234512345678901235BF5236A034A000810A64702E6578616D706C65A208BF5105A203800165830A64732E6578616D706C65840107870102A808800202C081020380",
        "BF3D20BF501D5A1089049032123451234512345678901235BF5408820101300380017F",
    ] {
        round_trip::<EsipaMessageFromIpaToEim>(hex);
    }
    for hex in [
        "BF4F03020101",
        "BF4F03020102",
        "BF4F1EBF541BA01680144C50413A312464702E6578616D706C6524414243820102",
        "BF4F07BF5404A0028100",
        "BF4F07BF5404A002A200",
        "BF4F06BF5403820102",
        "BF4F11BF520E5C04A081BF22A103800103830102",
        "BF500ABF53078001018002012C",
        "BF50023000",
        "BF5003020102",
    ] {
        round_trip::<EsipaMessageFromEimToIpa>(hex);
    }
}

#[test]
fn euicc_packages() {
    let psmos = format!(
        "BF51819D3058800465696D315A1089049032123451234512345678901235810101820101A038A30E5A0A980103000000000000100500BF2D00A600A7028000A80C5A0A98010300000000000010A900BF650C800A64702E6578616D706C655F3740{SIGNATURE}"
    );
    let request: EuiccPackageRequest = round_trip(&psmos);
    let EuiccPackage::PsmoList(list) = &request.euicc_package_signed.euicc_package else {
        panic!("not a list of PSMOs");
    };
    assert_eq!(list.len(), 7);
    assert!(matches!(&list[0], Psmo::Enable(enable) if enable.rollback_flag.is_some()));
    round_trip::<GetEimPackageResponse>(&format!("BF4F81A1{psmos}"));
    round_trip::<EuiccPackageRequest>(&format!(
        "BF51783033800465696D315A1089049032123451234512345678901235810102A116A906800465696D32AA0A800465696D318302012CAB005F3740{SIGNATURE}"
    ));
}

#[test]
fn euicc_package_results() {
    let every_kind = format!(
        "BF5181B5A081B2306D800465696D31810101820101830105305C830100840102850100BF2D14A012E3105A0A980103000000000000109F700101BF2D0381010BA600870100A803840107A8030201008901028A0100AB0DA00B3009800465696D318201028C01008D01008E0102020102BF65038001005F3740{SIGNATURE}"
    );
    let EuiccPackageResult::Signed(result) = round_trip(&every_kind) else {
        panic!("not a signed result");
    };
    assert_eq!(
        result.euicc_package_result_data_signed.euicc_result.len(),
        17
    );
    round_trip::<EuiccPackageResult>(&format!(
        "BF5153A151300C800465696D318101010201045F3740{SIGNATURE}"
    ));
    round_trip::<EuiccPackageResult>("BF510BA209800465696D31840107");
    // Version 1.3 adds a code; it is kept.
    round_trip::<EuiccPackageResult>("BF510BA209800465696D318F010F");
}

#[test]
fn es10_functions() {
    round_trip::<AddInitialEimRequest>(
        "BF5726A0243022800465696D31810B65696D2E6578616D706C658201028301008401FF870203808900",
    );
    round_trip::<AddInitialEimResponse>("BF5707A0058401010500");
    round_trip::<AddInitialEimResponse>("BF5703810102");
    round_trip::<GetEimConfigurationDataRequest>("BF5500");
    round_trip::<GetEimConfigurationDataRequest>("BF5508A006800465696D31");
    round_trip::<GetEimConfigurationDataResponse>("BF5502A000");
    round_trip::<RetrieveNotificationsListRequest>("BF2B00");
    round_trip::<RetrieveNotificationsListRequest>("BF2B05A003800105");
    round_trip::<RetrieveNotificationsListRequest>("BF2B06A00481020780");
    round_trip::<RetrieveNotificationsListRequest>("BF2B04A0028200");
    round_trip::<RetrieveNotificationsListResponse>("BF2B0AA208BF5105A203800165");
    round_trip::<RetrieveNotificationsListResponse>("BF2B02A000");
    round_trip::<GetCertsRequest>("BF5600");
    round_trip::<GetCertsResponse>("BF5603810101");
    round_trip::<GetEuiccDataRequest>("BF3E035C015A");
    round_trip::<GetEuiccChallengeRequest>("BF2E00");
    round_trip::<NotificationSentRequest>("BF3003800105");
    round_trip::<NotificationSentResponse>("BF3003800100");
    round_trip::<ProfileInfoListRequest>("BF2D00");
    round_trip::<ProfileInfoListRequest>("BF2D0EA00C5A0A98010300000000000010");
    round_trip::<CancelSessionRequest>("BF41068001AA810100");
    round_trip::<IsdrProprietaryApplicationTemplateIot>("E10480020640");
}

#[test]
fn signed_objects_of_a_session() {
    round_trip::<ServerSigned1>(
        "30518010000102030405060708090A0B0C0D0E0F8110000102030405060708090A0B0C0D0E0F831974657374736D6470706C7573312E6578616D706C652E636F6D8410101112131415161718191A1B1C1D1E1F",
    );
    round_trip::<EuiccSigned1>(
        "3081CD8010000102030405060708090A0B0C0D0E0F831974657374736D6470706C7573312E6578616D706C652E636F6D8410101112131415161718191A1B1C1D1E1FBF226E810302030182030206008303010000840D81010082040007A120830227108503067F4088020490A9160414F54172BDF98A95D65CBEB88A38A1C11D800A85C3AA160414F54172BDF98A95D65CBEB88A38A1C11D800A85C304030100000C0454455354900100B407A0050403010200A01B800A4D41544348494E474944A10D800435290611A10585030F0000",
    );
    round_trip::<SmdpSigned2>("30158010000102030405060708090A0B0C0D0E0F010100");
    round_trip::<StoreMetadataRequest>("BF25165A0A980103000000000000109102535092044E616D65");
}

#[test]
fn unknown_elements_stay_in_place() {
    // '9F55' before the counter and '87' at the end are of no version known.
    let der = bytes(
        "30 1F 800165 5A1089049032123451234512345678901235 9F550100 810101 820101 A000 870100",
    );
    // The length is recomputed so that the text above stays readable.
    let mut der = der;
    der[1] = (der.len() - 2) as u8;
    let signed = EuiccPackageSigned::from_der(&der).unwrap();
    assert_eq!(signed.to_der(), der);
    assert_eq!(
        signed.extensions.0,
        [
            Extension {
                before: 2,
                element: bytes("9F550100")
            },
            Extension {
                before: 5,
                element: bytes("870100")
            },
        ]
    );
}

#[test]
fn errors_name_byte_and_field() {
    let error = GetEimPackageRequest::from_der(&bytes("BF4F055A03890490")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "eidValue at byte 3: size 3 is outside 16..16"
    );
    let error = EuiccPackageRequest::from_der(&bytes("BF5105 3003800165")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "euiccPackageSigned.eidValue at byte 8: mandatory element missing"
    );
    let error = GetEimPackageRequest::from_der(&bytes("BF4F7F5A03890490")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "at byte 0: the data ends before the element does"
    );
    let error = EimPackageError::from_der(&bytes("0209 010000000000000000")).unwrap_err();
    assert_eq!(error.to_string(), "at byte 0: integer out of range");
}

#[test]
fn received_bytes_survive_other_encodings() {
    // The length of the signed part is not minimal, as BER allows.
    let received = bytes("BF51 5B 308113 8001655A1089049032123451234512345678901235").len();
    assert_eq!(received, 27);
    let signed =
        "30 8119 800165 5A1089049032123451234512345678901235 810101 A000".replace("8119", "811B");
    let mut inner = bytes(&signed);
    inner[2] = (inner.len() - 3) as u8;
    let mut outer = vec![0xBF, 0x51, (inner.len() + 67) as u8];
    outer.extend(&inner);
    outer.extend(bytes("5F3740"));
    outer.extend(bytes(SIGNATURE));
    let request = EuiccPackageRequest::from_der(&outer).unwrap();
    assert_eq!(request.euicc_package_signed.as_bytes(), inner);
    assert_eq!(request.to_der(), outer);
    // Indefinite length is understood as well.
    let indefinite = bytes("BF4F 80 5A1089049032123451234512345678901235 0000");
    assert!(GetEimPackageRequest::from_der(&indefinite).is_ok());
}

#[test]
fn hostile_nesting_and_lengths_are_refused() {
    let mut nested = Vec::new();
    for _ in 0..10_000 {
        nested.extend([0x30, 0x80]);
    }
    assert!(Vec::<EimPackageError>::from_der(&nested).is_err());
    for hex in ["3084FFFFFFFF00", "30FF", "1F80", "FFFFFFFFFF00", "30", ""] {
        assert!(Vec::<EimPackageError>::from_der(&bytes(hex)).is_err());
    }
}
