use alloc::borrow::ToOwned;
use alloc::format;
use alloc::vec;

use rsp_asn1::Asn1;
use rsp_asn1::sgp32::IpaEuiccDataRequest;

use super::*;

const EID: &str = "5A1089049032123451234512345678901235";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// An element, in digits.
fn tlv(tag: &str, contents: &str) -> String {
    let size = bytes(contents).len();
    match size {
        0..=0x7F => format!("{tag}{size:02X}{contents}"),
        _ => format!("{tag}81{size:02X}{contents}"),
    }
}

fn request(body: Vec<u8>) -> HttpRequest {
    HttpRequest {
        path: esipa_asn1::PATH.to_owned(),
        content_type: esipa_asn1::CONTENT_TYPE.to_owned(),
        admin_protocol: Some("gsma/rsp/v2.1.0".to_owned()),
        user_agent: Some("gsma-rsp-ipad".to_owned()),
        body,
    }
}

/// The octets are a message that the eIM reads, and show this; the standard's
/// form of the same message shows nothing.
#[track_caller]
fn shows(hex: &str, quirks: &[Quirk]) {
    let request = request(bytes(hex));
    let message = esipa_asn1::decode_request(&request);
    assert!(message.is_ok(), "{hex}: {message:?}");
    assert_eq!(IpaBuild::seen(&request).quirks, quirks, "{hex}");
}

#[track_caller]
fn variant(strict: &str, others: &[(&str, &[Quirk])]) {
    shows(strict, &[]);
    for (other, quirks) in others {
        shows(other, quirks);
    }
}

#[test]
fn polls() {
    variant(
        &format!("BF4F17 {EID} 8203 62F210"),
        &[(&format!("BF4F17 {EID} 8103 62F210"), &[Quirk::RplmnUnder81])],
    );
    // A cause is one octet.
    shows(&format!("BF4F17 {EID} 8000 810101"), &[]);
}

#[test]
fn results() {
    let data = "3011 800165 810101 830105 3006 830100 840102";
    let sign = format!("5F3740{}", "11".repeat(64));
    variant(
        &format!("BF506D {EID} BF5158 A056 {data}{sign}"),
        &[
            (
                &format!("BF506B {EID} BF5156 {data}{sign}"),
                &[Quirk::BareResult],
            ),
            (
                &format!("BF506D {EID} BF5158 3056 {data}{sign}"),
                &[Quirk::BareResult],
            ),
            (
                &format!("BF5070 {EID} BF515B BF5158 A056 {data}{sign}"),
                &[Quirk::TagTwice],
            ),
            (
                &format!("BF505B BF5158 A056 {data}{sign}"),
                &[Quirk::ResultWithoutEid],
            ),
        ],
    );
}

#[test]
fn lists_of_profiles() {
    let info = "E30C 5A0A98010300000000000010";
    let with = |list: &str| {
        let results = tlv("30", list);
        let data = tlv("30", &format!("800165 810101 830105 {results}"));
        let signed = tlv("A0", &format!("{data} 5F3740{}", "11".repeat(64)));
        tlv("BF50", &format!("{EID} {}", tlv("BF51", &signed)))
    };
    variant(
        &with(&format!("BF2D10 A00E {info}")),
        &[
            (&with(&format!("BF2D0E {info}")), &[Quirk::BareProfileList]),
            (
                &with(&format!("BF2D10 300E {info}")),
                &[Quirk::BareProfileList],
            ),
        ],
    );
    shows(&with("BF2D03 81010B"), &[]);
    shows(&with("BF2D03 02010B"), &[Quirk::BareProfileList]);
}

#[test]
fn notifications_beside_a_result() {
    let result = "BF5104 A202 8000";
    let with = |list: &str| {
        let both = tlv("30", &format!("{result} {list}"));
        tlv("BF50", &format!("{EID} {both}"))
    };
    variant(
        &with("A000"),
        &[(&with("BF2B02 A000"), &[Quirk::NotificationsUnderBf2b])],
    );
}

#[test]
fn codes_of_packages_that_cannot_be_used() {
    variant(
        &format!("BF5017 {EID} A003 020102"),
        &[
            (&format!("BF5015 {EID} 020102"), &[Quirk::BareErrorCode]),
            (
                &format!("BF5019 {EID} 8005 3003 020102"),
                &[Quirk::ErrorInSequence],
            ),
            (
                &format!("BF5019 {EID} A005 3003 020102"),
                &[Quirk::ErrorInSequence],
            ),
        ],
    );
}

#[test]
fn data_of_the_device() {
    let (smdp, token) = ("8104 612E6263", "840107");
    variant(
        &format!("BF5020 {EID} BF520B A009 {smdp} {token}"),
        &[
            (
                &format!("BF501E {EID} BF5209 {smdp} {token}"),
                &[Quirk::BareData],
            ),
            (
                &format!("BF5020 {EID} BF520B 3009 {smdp} {token}"),
                &[Quirk::BareData],
            ),
            (
                &format!("BF5020 {EID} BF520B A009 8004 612E6263 {token}"),
                &[Quirk::SmdpUnder80],
            ),
            (
                &format!("BF5025 {EID} BF5210 A00E 8304 612E6263 BF2B02 A000 870101"),
                &[Quirk::NotificationsUnderBf2b],
            ),
            (
                &format!("BF501D {EID} BF5208 A006 8804 800206C0"),
                &[Quirk::CapabilitiesUnder88],
            ),
        ],
    );
    variant(&format!("BF501D {EID} BF5208 A106 800102 020101"), &[]);
}

#[test]
fn certificates() {
    let parts = "30030201AA 3003060155 03020055";
    variant(
        &format!("BF5027 {EID} BF5212 A010 A50E {parts}"),
        &[(
            &format!("BF5029 {EID} BF5214 A012 A510 300E {parts}"),
            &[Quirk::WholeCertificates],
        )],
    );
}

#[test]
fn cancellations_and_notifications() {
    variant(
        "BF4109 8002AABB A103 810105",
        &[(
            "BF410C 8002AABB A106 BF4103 810105",
            &[Quirk::WholeCancelResponse],
        )],
    );
    let provided = format!("{EID} A003 020102");
    variant(
        &format!("BF3D1A BF5017 {provided}"),
        &[(
            &format!("BF3D19 A117 {provided}"),
            &[Quirk::NotificationTags],
        )],
    );
}

#[test]
fn headers() {
    let plain = request(bytes(&format!("BF4F12 {EID}")));
    assert_eq!(IpaBuild::seen(&plain).quirks, []);
    for (change, quirk) in [
        (
            (|r: &mut HttpRequest| r.content_type = "application/octet-stream".to_owned())
                as fn(&mut HttpRequest),
            Quirk::OtherContentType,
        ),
        (|r| r.admin_protocol = None, Quirk::NoAdminProtocol),
        (
            |r| r.user_agent = Some("IPAd / 1.0.0 via libcurl".to_owned()),
            Quirk::OtherUserAgent,
        ),
    ] {
        let mut changed = plain.clone();
        change(&mut changed);
        assert_eq!(IpaBuild::seen(&changed).quirks, [quirk]);
    }
    let long = HttpRequest {
        user_agent: Some("gsma-rsp-ipad;\n".to_owned() + &"x".repeat(1000)),
        ..plain
    };
    let seen = IpaBuild::seen(&long).user_agent.unwrap();
    assert_eq!(seen.len(), MAX_HEADER);
    assert!(!seen.contains('\n'));
}

#[test]
fn a_build_is_known_by_its_user_agent() {
    let build = |user_agent: Option<&str>, quirks: &[Quirk]| IpaBuild {
        user_agent: user_agent.map(ToOwned::to_owned),
        admin_protocol: None,
        quirks: quirks.to_vec(),
    };
    let one = build(Some("one"), &[Quirk::RplmnUnder81]);
    assert!(one.is_v1_0());
    let same = one.with(&build(Some("one"), &[Quirk::BareData]));
    assert_eq!(same.quirks, [Quirk::RplmnUnder81, Quirk::BareData]);
    let unnamed = one.with(&build(None, &[]));
    assert_eq!(unnamed, one);
    let other = one.with(&build(Some("two"), &[Quirk::BareResult]));
    assert_eq!(other, build(Some("two"), &[Quirk::BareResult]));
    assert!(!other.is_v1_0());
}

/// An IPA of version 1.0 is asked for what it knows: `80 BF20 BF2B 88 A5`.
#[test]
fn version_1_0_is_asked_with_its_tags() {
    let asked = |tag_list: &str| {
        let request = format!(
            "BF52{:02X} 5C{:02X} {tag_list}",
            bytes(tag_list).len() + 2,
            bytes(tag_list).len()
        );
        IpaEuiccDataRequest::from_der(&bytes(&request)).unwrap()
    };
    let response = GetEimPackageResponse::IpaEuiccDataRequest(asked("81BF20A0A2A8A5"));
    let build = IpaBuild::default();
    assert_eq!(build.adapt(response.clone()), response);
    let build = IpaBuild {
        quirks: vec![Quirk::RplmnUnder81],
        ..build
    };
    let adapted = GetEimPackageResponse::IpaEuiccDataRequest(asked("80BF20BF2B88A5"));
    assert_eq!(build.adapt(response), adapted);
}

/// Whatever comes is looked at, and no message is refused for it.
#[test]
fn other_octets_show_nothing() {
    for hex in [
        "",
        "00",
        "BF",
        "BF50",
        "BF5001",
        "BF5003 BF5105",
        "30800000",
        "BF4F02 8103",
    ] {
        let build = IpaBuild::seen(&request(bytes(hex)));
        assert!(
            build
                .quirks
                .iter()
                .all(|quirk| *quirk == Quirk::ResultWithoutEid),
            "{hex}"
        );
    }
}
