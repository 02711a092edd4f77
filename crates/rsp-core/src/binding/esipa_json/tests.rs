//! Bodies octet for octet, what peers write otherwise, and the way there and
//! back of every example of the standards.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::sgp32::{EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim};

use super::*;
use crate::binding::json::{from_base64, to_base64};

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |c: char| c.to_digit(16).unwrap() as u8;
    let digits: Vec<u8> = hex.chars().map(digit).collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn body(request: &HttpRequest) -> &str {
    core::str::from_utf8(&request.body).unwrap()
}

fn post(function: &str, body: &str) -> HttpRequest {
    HttpRequest {
        path: alloc::format!("{PATH}{function}"),
        content_type: "application/json".to_string(),
        admin_protocol: None,
        user_agent: None,
        body: body.as_bytes().to_vec(),
    }
}

fn answer(body: &str) -> HttpResponse {
    HttpResponse::ok(CONTENT_TYPE, body.as_bytes().to_vec())
}

/// A message of the ASN.1 binding as this one writes it.
fn sent(hex: &str) -> HttpRequest {
    let message = EsipaMessageFromIpaToEim::from_der(&bytes(hex)).unwrap();
    let request = encode_request(&message).unwrap();
    assert_eq!(
        decode_request(&request).unwrap(),
        message,
        "{}",
        body(&request)
    );
    request
}

fn replied(hex: &str, function: Function) -> String {
    let message = EsipaMessageFromEimToIpa::from_der(&bytes(hex)).unwrap();
    let response = encode_response(&message, None);
    assert_eq!(decode_response(function, &response).unwrap(), message);
    String::from_utf8(response.body).unwrap()
}

const EID: &str = "89049032123451234512345678901235";
const SUCCESS: &str = r#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"}}"#;

/// EIM-61, IPA-59: path, headers and members of a poll.
#[test]
fn a_poll() {
    let request = sent("BF4F125A1089049032123451234512345678901235");
    assert_eq!(request.path, "/gsma/rsp2/esipa/getEimPackage");
    assert_eq!(request.content_type, "application/json;charset=UTF-8");
    assert_eq!(request.admin_protocol.as_deref(), Some("gsma/rsp/v2.1.0"));
    assert_eq!(request.user_agent.as_deref(), Some("gsma-rsp-ipad"));
    assert_eq!(body(&request), alloc::format!(r#"{{"eidValue":"{EID}"}}"#));
    let request = sent("BF4F1C5A10890490321234512345123456789012358000810101820362F210");
    let expected = r#"","notifyStateChange":true,"stateChangeCause":1,"rPlmn":"YvIQ"}"#;
    assert_eq!(
        body(&request),
        alloc::format!(r#"{{"eidValue":"{EID}{expected}"#)
    );
}

/// EIM-62: a refusal has the pair in the header and the number in the body.
#[test]
fn refusals_say_it_twice() {
    let text = replied("BF4F03020101", Function::GetEimPackage);
    assert_eq!(
        text,
        r#"{"header":{"functionExecutionStatus":{"status":"Failed","statusCodeData":{"subjectCode":"8.1.1","reasonCode":"3.7"}}},"eimPackageError":1}"#
    );
    let text = replied("BF5003020102", Function::ProvideEimPackageResult);
    assert!(
        text.contains(r#""subjectCode":"8.1.1","reasonCode":"3.9""#),
        "{text}"
    );
    assert!(
        text.ends_with(r#","provideEimPackageResultError":2}"#),
        "{text}"
    );
    let text = replied("BF3903810101", Function::InitiateAuthentication);
    assert!(
        text.contains(r#""subjectCode":"8.8.1","reasonCode":"3.8""#),
        "{text}"
    );
}

/// EIM-61: what packages and acknowledgements look like.
#[test]
fn packages_and_acknowledgements() {
    let trigger = "BF4F1EBF541BA01680144C50413A312464702E6578616D706C6524414243820102";
    let text = replied(trigger, Function::GetEimPackage);
    let der = to_base64(&bytes(&trigger[6..]));
    let member = alloc::format!(r#","profileDownloadTriggerRequest":"{der}"}}"#);
    assert_eq!(text, alloc::format!("{SUCCESS}{member}"));
    let text = replied("BF50023000", Function::ProvideEimPackageResult);
    assert_eq!(text, alloc::format!("{SUCCESS}}}"));
    let text = replied(
        "BF500ABF53078001018002012C",
        Function::ProvideEimPackageResult,
    );
    let der = to_base64(&bytes("BF53078001018002012C"));
    assert_eq!(
        text,
        alloc::format!(r#"{SUCCESS},"eimAcknowledgements":"{der}"}}"#)
    );
}

/// IPA-59: the header decides first, then the body; both are not always there.
#[test]
fn an_error_is_known_by_header_or_body() {
    use rsp_asn1::sgp32::{EimPackageError, GetEimPackageResponse};
    let failed = |data: &str, member: &str| {
        alloc::format!(
            r#"{{"header":{{"functionExecutionStatus":{{"status":"Failed"{data}}}}}{member}}}"#
        )
    };
    let data = r#","statusCodeData":{"subjectCode":"8.1.1","reasonCode":"3.9"}"#;
    for (text, code) in [
        (failed(data, ""), 2),
        (failed(data, r#","eimPackageError":1"#), 2),
        (failed("", r#","eimPackageError":1"#), 1),
        (failed("", ""), 127),
        (alloc::format!(r#"{SUCCESS},"eimPackageError":1}}"#), 1),
    ] {
        let read = decode_response(Function::GetEimPackage, &answer(&text)).unwrap();
        let expected = GetEimPackageResponse::EimPackageError(EimPackageError(code));
        let expected = EsipaMessageFromEimToIpa::GetEimPackageResponse(expected);
        assert_eq!(read, expected, "{text}");
    }
    for text in [
        alloc::format!("{SUCCESS}}}"),
        alloc::format!(r#"{SUCCESS},"eimPackageError":0}}"#),
        r#"{"eimPackageError":1}"#.to_string(),
        r#"{"header":{"functionExecutionStatus":{"status":"Done"}}}"#.to_string(),
    ] {
        let read = decode_response(Function::GetEimPackage, &answer(&text));
        assert!(read.is_err(), "{text}: {read:?}");
    }
}

/// EIM-74: identifiers are written in upper case and read in either; base64
/// comes with and without padding, octets with and without their data object.
#[test]
fn what_peers_write_otherwise() {
    let request =
        sent("BF39228110000000000000000000000000000000008308736D64702E636F6D8204ABCDEF01");
    assert!(body(&request).contains(r#""eimTransactionId":"ABCDEF01""#));
    assert!(body(&request).contains(r#""euiccChallenge":"AAAAAAAAAAAAAAAAAAAAAA==""#));
    let message = decode_request(&request).unwrap();
    for (from, to) in [
        ("ABCDEF01", "abcdef01"),
        ("AA==", "AA"),
        ("AAAAAAAAAAAAAAAAAAAAAA==", "gRAAAAAAAAAAAAAAAAAAAAAA"),
    ] {
        let text = body(&request).replace(from, to);
        let read = decode_request(&post("initiateAuthentication", &text));
        assert_eq!(read.unwrap(), message, "{text}");
    }
    for bad in ["ABCDEF0", "", "XY"] {
        let text = body(&request).replace("ABCDEF01", bad);
        let read = decode_request(&post("initiateAuthentication", &text));
        assert!(matches!(read, Err(BindingError::Json(_))), "{text}");
    }
}

/// A result whole, as contents, or alone; an absent eidValue is the one in it.
#[test]
fn results_with_and_without_their_envelope() {
    let whole = "BF50175A1089049032123451234512345678901235A003020102";
    let message = EsipaMessageFromIpaToEim::from_der(&bytes(whole)).unwrap();
    let request = sent(whole);
    let alone = to_base64(&bytes("A003020102"));
    assert_eq!(
        body(&request),
        alloc::format!(r#"{{"eidValue":"{EID}","eimPackageResult":"{alone}"}}"#)
    );
    let whole = to_base64(&bytes(whole));
    let text = alloc::format!(r#"{{"eimPackageResult":"{whole}"}}"#);
    let read = decode_request(&post("provideEimPackageResult", &text)).unwrap();
    assert_eq!(read, message);

    let notification = "BF3D20BF501D5A1089049032123451234512345678901235BF5408820101300380017F";
    let message = EsipaMessageFromIpaToEim::from_der(&bytes(notification)).unwrap();
    sent(notification);
    for result in [&notification[6..], &notification[12..]] {
        let result = to_base64(&bytes(result));
        let text = alloc::format!(r#"{{"provideEimPackageResult":"{result}"}}"#);
        let read = decode_request(&post("handleNotification", &text)).unwrap();
        assert_eq!(read, message, "{text}");
    }
}

/// EIM-35, EIM-36, EIM-63: what is no message is refused by the function's own
/// error where it has one, and by the status otherwise.
#[test]
fn requests_that_are_no_message() {
    let refused = |request: &HttpRequest| {
        let error = decode_request(request).unwrap_err();
        let response = crate::binding::esipa::refuse(request, &error);
        let text = String::from_utf8_lossy(&response.body).into_owned();
        (response.status, text)
    };
    for (text, code) in [("{}", 4), (r#"{"eidValue":"8904"}"#, 3)] {
        let (status, text) = refused(&post("getEimPackage", text));
        assert_eq!(status, 200);
        assert!(
            text.ends_with(&alloc::format!(r#","eimPackageError":{code}}}"#)),
            "{text}"
        );
    }
    let garbage = post("getEimPackage", "}{");
    assert_eq!(refused(&garbage).0, 400);
    let other = HttpRequest {
        content_type: "text/plain".to_string(),
        ..garbage
    };
    assert_eq!(refused(&other).0, 415);
    assert_eq!(refused(&post("getProfile", "{}")).0, 404);
    assert_eq!(refused(&post("authenticateClient", "{}")).0, 400);
    assert!(!crate::binding::esipa::is_path(
        "/gsma/rsp2/es9plus/handleNotification"
    ));
}

/// Injection, both ways.
#[test]
fn a_transferred_package() {
    use rsp_asn1::Null;
    use rsp_asn1::sgp32::{
        EimAcknowledgements, EimPackageResultErrorCode, TransferEimPackageRequest,
        TransferEimPackageResponse,
    };
    let message =
        TransferEimPackageRequest::EimAcknowledgements(EimAcknowledgements(Vec::from([7])));
    let request = encode_transfer(&message).unwrap();
    assert_eq!(request.path, "/gsma/rsp2/esipa/transferEimPackage");
    assert_eq!(body(&request), r#"{"eimAcknowledgements":"v1MDgAEH"}"#);
    assert_eq!(decode_transfer(&request).unwrap(), message);
    for message in [
        TransferEimPackageResponse::EimPackageReceived(Null),
        TransferEimPackageResponse::EimPackageError(EimPackageResultErrorCode::UNKNOWN_PACKAGE),
    ] {
        let response = encode_transferred(&message);
        assert_eq!(decode_transferred(&response).unwrap(), message);
    }
    assert_eq!(from_base64("v1MDgAEH").unwrap(), bytes("BF5303800107"));
}
