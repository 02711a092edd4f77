//! What others are known to send: read as the standard's form, and written as
//! the standard's form. The rows are in spec/INTERPRETATION.md.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::*;
use rsp_asn1::sgp32::*;
use support::{bytes, round_trip};

const EID: &str = "5A1089049032123451234512345678901235";

/// `strict` is the standard's form; each of `others` is read as the same value
/// and written as `strict`.
#[track_caller]
fn reads_as<T: Asn1 + PartialEq + std::fmt::Debug>(strict: &str, others: &[&str]) -> T {
    let value: T = round_trip(strict);
    for other in others {
        let read = T::from_der(&bytes(other)).unwrap_or_else(|error| panic!("{other}: {error}"));
        assert_eq!(read, value, "{other}");
        assert_eq!(read.to_der(), bytes(strict), "{other}");
    }
    value
}

#[test]
fn package_results_without_their_alternative() {
    let data = "3011 800165 810101 830105 3006 830100 840102";
    let sign = format!("5F3740{}", "11".repeat(64));
    reads_as::<EuiccPackageResult>(
        &format!("BF5158 A056 {data}{sign}"),
        &[
            &format!("BF5156 {data}{sign}"),
            &format!("BF5158 3056 {data}{sign}"),
            &format!("BF515B BF5158 A056 {data}{sign}"),
        ],
    );
    let data = "3009 800165 810101 020104";
    reads_as::<EuiccPackageResult>(
        &format!("BF5150 A14E {data}{sign}"),
        &[
            &format!("BF514E {data}{sign}"),
            &format!("BF5150 304E {data}{sign}"),
        ],
    );
    reads_as::<EuiccPackageResult>(
        "BF5108 A206 800165 840107",
        &["BF5106 800165 840107", "BF5108 3006 800165 840107"],
    );
    // A code alone, and an eIM that the card could not read.
    reads_as::<EuiccPackageResult>("BF5107 A205 8000 8F017F", &["BF5103 02017F"]);
    reads_as::<EuiccPackageResult>("BF5104 A202 8000", &[]);
}

#[test]
fn profile_lists_without_their_alternative() {
    let info = "E310 5A0A98010300000000000010 9F700101";
    reads_as::<ProfileInfoListResponse>(
        &format!("BF2D14 A012 {info}"),
        &[
            &format!("BF2D12 {info}"),
            &format!("BF2D14 3012 {info}"),
            &format!("BF2D17 BF2D14 A012 {info}"),
            // In another order than the module's.
            "BF2D14 A012 E310 9F700101 5A0A98010300000000000010",
        ],
    );
    reads_as::<ProfileInfoListResponse>("BF2D02 A000", &["BF2D00", "BF2D02 3000"]);
    reads_as::<ProfileInfoListResponse>("BF2D03 81010B", &["BF2D03 02010B"]);
}

#[test]
fn euicc_data_without_its_alternative() {
    let smdp = "81 04 612E6263";
    let token = "840107";
    reads_as::<IpaEuiccDataResponse>(
        &format!("BF520B A009 {smdp} {token}"),
        &[
            &format!("BF5209 {smdp} {token}"),
            &format!("BF520B 3009 {smdp} {token}"),
            // In the order of a tag list, and with the tag of v1.0.
            &format!("BF520B A009 {token} {smdp}"),
            &format!("BF5209 80 04 612E6263 {token}"),
        ],
    );
    reads_as::<IpaEuiccDataResponse>(
        "BF520B A109 800401020304 020101",
        &[
            "BF5209 800401020304 020101",
            "BF520B 3009 800401020304 020101",
        ],
    );
    reads_as::<IpaEuiccDataResponse>(
        "BF5205 A103 020105",
        &["BF5203 020105", "BF5203 810105", "BF5205 3003 020105"],
    );
    reads_as::<IpaEuiccDataResponse>("BF5202 A000", &[]);
}

#[test]
fn a_lone_list_of_notifications_is_data() {
    let notification = format!(
        "BF2F0D 800101 81020640 0C04612E6263 5F3740{} 30020500 30020500",
        "11".repeat(64)
    );
    let size = bytes(&notification).len();
    let one = format!("30{size:02X}{notification}");
    let size = size + 2;
    let bare = format!("BF52{:02X} A0{size:02X} {one}", size + 2);
    let strict = format!("BF52{:02X} A0{:02X} A0{size:02X} {one}", size + 4, size + 2);
    let IpaEuiccDataResponse::Ok(data) = reads_as(&strict, &[&bare]) else {
        panic!("no data");
    };
    assert_eq!(data.notifications_list.unwrap()[0].seq_number(), 1);
}

#[test]
fn certificates_are_implicit_or_whole() {
    // tbsCertificate, signatureAlgorithm, signature.
    let parts = "30030201AA 3003060155 03020055";
    let strict = format!("BF561E A01C A50E{parts} A60A 3003020101 3000 030100");
    let whole = format!("BF5622 A020 A510 300E{parts} A60C 300A 3003020101 3000 030100");
    reads_as::<GetCertsResponse>(&strict, &[&whole]);
}

#[test]
fn eim_keys_with_and_without_tags() {
    let (key, certificate) = ("3003060155 03020055", "30030201AA 3003060155 03020055");
    let data = |inner: &str| {
        let octets = bytes(inner);
        format!(
            "30{:02X} 800165 A5{:02X} {inner}",
            octets.len() + 5,
            octets.len()
        )
    };
    reads_as::<EimConfigurationData>(
        &data(&format!("A009 {key}")),
        &[
            &data(&format!("A00B 3009 {key}")),
            &data(&format!("3009 {key}")),
            &data(key),
        ],
    );
    let read: EimConfigurationData = reads_as(
        &data(&format!("A10E {certificate}")),
        &[
            &data(&format!("A110 300E {certificate}")),
            &data(&format!("300E {certificate}")),
            &data(certificate),
        ],
    );
    assert!(matches!(
        read.eim_public_key_data,
        Some(EimPublicKeyData::Certificate(_))
    ));
}

#[test]
fn flags_and_addresses_under_other_tags() {
    let iccid = "5A0A98010300000000000010";
    reads_as::<Psmo>(
        &format!("A30E {iccid} 0500"),
        &[&format!("A30E {iccid} 8100")],
    );
    reads_as::<Psmo>("BF6506 8004 612E6263", &["BF6506 0C04 612E6263"]);
    reads_as::<ProfileDownloadTriggerRequest>(
        "BF540A A008 A206 8004 612E6263",
        &["BF540A A008 A206 0C04 612E6263"],
    );
    reads_as::<ProfileRollbackRequest>("BF5803 8001FF", &["BF5803 0101FF"]);
    reads_as::<ProfileRollbackResponse>("BF5803 020101", &["BF5803 800101"]);
    reads_as::<ImmediateEnableRequest>("BF5A03 800100", &["BF5A03 010100", "BF5A00"]);
    reads_as::<EnableEmergencyProfileRequest>("BF5B03 8001FF", &["BF5B03 0101FF"]);
    reads_as::<DisableEmergencyProfileRequest>("BF5C03 8001FF", &["BF5C03 0101FF"]);
    reads_as::<ExecuteFallbackMechanismRequest>("BF5D03 8001FF", &["BF5D03 0101FF"]);
    reads_as::<ReturnFromFallbackRequest>("BF5E03 8001FF", &["BF5E03 0101FF"]);
}

#[test]
fn lists_of_eims() {
    let one = "3009 800465696D31 820102";
    reads_as::<EuiccResultData>(
        &format!("AB0D A00B {one}"),
        &[
            &format!("AB0B {one}"),
            &format!("AB0D 300B {one}"),
            // v1.0 had the type under '84'.
            "AB0D A00B 3009 800465696D31 840102",
        ],
    );
    reads_as::<EuiccResultData>("AB02 A000", &["AB00", "AB02 3000"]);
    reads_as::<EuiccResultData>("AB03 81017F", &[]);
}

#[test]
fn empty_answers() {
    reads_as::<RetrieveNotificationsListResponse>("BF2B02 A000", &["BF2B00"]);
    reads_as::<ListNotificationResponse>("BF2802 A000", &["BF2800"]);
    reads_as::<ProvideEimPackageResultResponse>("BF5002 3000", &["BF5000"]);
}

#[test]
fn errors_of_a_package_that_cannot_be_used() {
    reads_as::<ProvideEimPackageResult>(
        &format!("BF5017 {EID} A003 020102"),
        &[
            &format!("BF5015 {EID} 020102"),
            &format!("BF5019 {EID} 8005 3003 020102"),
            &format!("BF5019 {EID} A005 3003 020102"),
        ],
    );
}

#[test]
fn forms_of_version_1_0() {
    // rPLMN was '81'.
    let read: GetEimPackageRequest = reads_as(
        &format!("BF4F17 {EID} 8203 62F210"),
        &[&format!("BF4F17 {EID} 8103 62F210")],
    );
    assert_eq!(read.r_plmn.unwrap().to_string(), "262-01");
    assert_eq!(read.state_change_cause, None);
    // The list of notifications was the answer of the card.
    let result = "BF5104 A202 8000";
    reads_as::<EimPackageResult>(
        &format!("3009 {result} A000"),
        &[&format!("300C {result} BF2B02 A000")],
    );
    // So it was among the data that an IPA collects.
    let address = "8304 612E6263";
    reads_as::<IpaEuiccDataResponse>(
        &format!("BF520D A00B A000 {address} 870101"),
        &[
            &format!("BF5210 A00E {address} BF2B02 A000 870101"),
            &format!("BF520E A00C {address} 870101 BF2B00"),
            &format!("BF520E {address} 870101 BF2B02 A000"),
            &format!("BF5213 A011 {address} 870101 BF2B05 BF2B02 A000"),
        ],
    );
    reads_as::<IpaEuiccDataResponse>(
        &format!("BF5213 A011 A000 A207 {result} {address}"),
        &[
            &format!("BF5219 A017 BF2B02 A000 {address} BF2B09 A207 {result}"),
            &format!("BF5217 BF2B09 A207 {result} BF2B02 A000 {address}"),
        ],
    );
    // The card gave an error instead: the list is left out.
    reads_as::<IpaEuiccDataResponse>(
        &format!("BF5208 A006 {address}"),
        &[&format!("BF520E A00C {address} BF2B03 81017F")],
    );
    // HandleNotification had automatic tags.
    let provided = format!("{EID} A003 020102");
    reads_as::<HandleNotificationEsipa>(
        &format!("BF3D1A BF5017 {provided}"),
        &[&format!("BF3D19 A117 {provided}")],
    );
}

#[test]
fn a_cancelled_session_at_esipa() {
    reads_as::<EsipaMessageFromIpaToEim>(
        "BF4109 8002AABB A103 810105",
        &["BF410C 8002AABB A106 BF4103 810105"],
    );
}

#[test]
fn tagged_choices_with_their_tag_twice() {
    // As tools write them that take the tag of a CHOICE for EXPLICIT.
    reads_as::<EsipaMessageFromEimToIpa>("BF4F03 020101", &["BF4F06 BF4F03 020101"]);
    reads_as::<EuiccPackageResult>("BF5105 A203 800165", &["BF5108 BF5105 A203 800165"]);
    // At ESipa a result stays as it came.
    let twice = format!("BF501D {EID} BF5108 BF5105 A203 800165");
    round_trip::<EsipaMessageFromIpaToEim>(&twice);
}

#[test]
fn compact_forms() {
    let sign = format!("5F3740{}", "11".repeat(64));
    // AuthenticateClient: extCardResource only, no certificates.
    round_trip::<EsipaMessageFromIpaToEim>(&format!(
        "BF3B53 8001AA BF384D A24B A006 8404 81010182 {sign}"
    ));
    round_trip::<EsipaMessageFromIpaToEim>(&format!("BF3A4D 8001AA BF2147 A245 3000 {sign}"));
    round_trip::<CancelSessionResponse>(&format!("BF414A A248 3003 800103 {sign}"));
    // Installed, with the ordinary answer left out.
    let installed = "A00E 8001AA 020105 A206 A004 4F02 1234";
    let PendingNotification::CompactProfileInstallationResult(result) =
        round_trip(&format!("A053 {installed} {sign}"))
    else {
        panic!("another notification");
    };
    let data = result.compact_profile_installation_result_data;
    assert!(data.iccid_present && data.seq_number == 5);
    let other: PendingNotification = round_trip(&format!(
        "A165 BF2F1F 800101 81020640 0C0A64702E6578616D706C65 5A0A98010300000000000010 {sign}"
    ));
    assert_eq!(other.seq_number(), 1);
}

#[test]
fn fields_of_version_1_3() {
    let value: EsipaMessageFromIpaToEim = round_trip("BF4E08 BF6005 A003 800109");
    assert!(matches!(
        value,
        EsipaMessageFromIpaToEim::TransferEimPackageResponse(
            TransferEimPackageResponse::EimPackageReceivedWithCid(_)
        )
    ));
    round_trip::<EsipaMessageFromIpaToEim>(&format!("BF4E1A BF6117 A012 {EID} 810101"));
    let error: EuiccPackageResult = round_trip("BF5108 A206 800165 8F010F");
    let EuiccPackageResult::ErrorUnsigned(error) = error else {
        panic!("another result");
    };
    let code = error.euicc_package_unsigned_error_code;
    assert_eq!(code, Some(EuiccPackageUnsignedErrorCode::SIZE_OVERFLOW));
    let features: IpaCapabilities =
        round_trip("3014 800206C0 81020780 A20A 3008 80028837 A102 0500");
    let vendor = features.esipa_proprietary_protocol_information.unwrap();
    assert_eq!(vendor[0].vendor_oid.to_string(), "2.999");
}

/// X.690 11.5: a default is not written; one that is says nothing, and what is
/// unknown behind it stays where it is.
#[test]
fn a_default_that_is_written_out() {
    const BEGINS: &str = "5A0A98010300000000000010 9100 9200";
    let strict = format!("BF2513 {BEGINS} 230100");
    reads_as::<StoreMetadataRequest>(&strict, &[&format!("BF2516 {BEGINS} 950102 230100")]);
    for behind in ["950102", "930101", "230100 950101"] {
        let length = 0x13 + bytes(behind).len();
        let repeated = format!("BF25{length:02X} {BEGINS} 950102 {behind}");
        let read = StoreMetadataRequest::from_der(&bytes(&repeated));
        assert!(read.is_err(), "{repeated}");
    }
}
