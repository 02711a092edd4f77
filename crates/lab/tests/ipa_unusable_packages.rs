//! Packages that an IPA cannot use: the eIM is told of each, by the code of
//! SGP.32 5.14.6, and what it has besides is done all the same.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::RefCell;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lab::World;
use rsp_asn1::sgp32::{
    EimPackageResult, EimPackageResultErrorCode, EsipaMessageFromIpaToEim, IpaEuiccDataErrorCode,
    IpaEuiccDataResponse, StateChangeCause,
};
use rsp_core::binding::esipa::{self, EsipaBinding};
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::OperationKind;
use rsp_core::ipa::{DeviceEvent, Event, Input};

/// Code and eimTransactionId, in hexadecimal.
type Refusal = (i64, Option<String>);

/// A round in which the first poll is answered with this body, and whatever the
/// IPA refuses.
fn refused(world: &mut World, body: Vec<u8>) -> Vec<Refusal> {
    let refusals = Rc::new(RefCell::new(Vec::new()));
    let seen = refusals.clone();
    let mut body = Some(body);
    let change = move |request: &HttpRequest, response: &mut HttpResponse| {
        let Ok((_, message)) = esipa::decode_request(request) else {
            return;
        };
        match message {
            EsipaMessageFromIpaToEim::GetEimPackageRequest(_) => {
                if let Some(body) = body.take() {
                    response.status = 200;
                    response.body = body;
                }
            }
            EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided) => {
                if let EimPackageResult::ResponseError(error) = provided.eim_package_result {
                    let transaction = error.eim_transaction_id.map(|id| id.to_string());
                    let code = error.eim_package_result_error_code.0;
                    seen.borrow_mut().push((code, transaction));
                }
            }
            _ => {}
        }
    };
    world.fault.response = Some(Box::new(change));
    world.round().unwrap();
    world.fault.response = None;
    refusals.take()
}

fn in_binding(binding: EsipaBinding) -> World {
    let mut world = World::new(61).unwrap();
    world.ipa_config.esipa_binding = binding;
    world.restart_ipa();
    world
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// BF4F around a package.
fn offered(package: &str) -> Vec<u8> {
    let package = hex(package);
    let mut body = hex("BF4F");
    body.push(u8::try_from(package.len()).unwrap());
    body.extend(package);
    body
}

fn in_json(member: &str, value: &str) -> Vec<u8> {
    let header = r#""header":{"functionExecutionStatus":{"status":"Executed-Success"}}"#;
    format!(r#"{{{header},"{member}":"{value}"}}"#).into_bytes()
}

const INVALID: i64 = EimPackageResultErrorCode::INVALID_PACKAGE_FORMAT.0;
const UNKNOWN: i64 = EimPackageResultErrorCode::UNKNOWN_PACKAGE.0;

/// A eUICC Package without signature, a data request with octets behind it that
/// are no member, a trigger with an empty member that it does not have; each with eimTransactionId 0A0B.
const UNREADABLE: [(&str, &str, &str); 3] = [
    (
        "euiccPackageRequest",
        "BF510C300A800178810101820200FF",
        "00FF",
    ),
    ("ipaEuiccDataRequest", "BF5208 5C01BF 8302 0A0B 00", "0A0B"),
    (
        "profileDownloadTriggerRequest",
        "BF5406 8500 8202 0A0B",
        "0A0B",
    ),
];

/// IPA-33: unknownPackage.
#[test]
fn a_package_of_an_unknown_kind() {
    let mut world = in_binding(EsipaBinding::Asn1);
    let refusals = refused(&mut world, offered("BF5F03800101"));
    assert_eq!(refusals, [(UNKNOWN, None)]);
    let mut world = in_binding(EsipaBinding::Json);
    let refusals = refused(&mut world, in_json("somethingRequest", "v18DgAEB"));
    assert_eq!(refusals, [(UNKNOWN, None)]);
}

/// IPA-34: invalidPackageFormat, with the transaction if it can be read.
#[test]
fn a_package_that_cannot_be_read() {
    for (member, package, transaction) in UNREADABLE {
        let package = package.replace(' ', "");
        let expected = [(INVALID, Some(transaction.to_string()))];
        let mut world = in_binding(EsipaBinding::Asn1);
        let refusals = refused(&mut world, offered(&package));
        assert_eq!(refusals, expected, "{member}");
        let mut world = in_binding(EsipaBinding::Json);
        let value = BASE64.encode(hex(&package));
        let refusals = refused(&mut world, in_json(member, &value));
        assert_eq!(refusals, expected, "{member} in JSON");
    }
    // Nothing of it can be read.
    let mut world = in_binding(EsipaBinding::Asn1);
    assert_eq!(
        refused(&mut world, offered("BF52028005")),
        [(INVALID, None)]
    );
    let mut world = in_binding(EsipaBinding::Json);
    let refusals = refused(&mut world, in_json("ipaEuiccDataRequest", "*"));
    assert_eq!(refusals, [(INVALID, None)]);
}

/// IPA-40: a request for data without a list of tags has an error of its own.
#[test]
fn a_request_for_data_without_tags() {
    let mut world = in_binding(EsipaBinding::Asn1);
    let answers = Rc::new(RefCell::new(Vec::new()));
    let seen = answers.clone();
    world.fault.request = Some(Box::new(move |request: &mut HttpRequest| {
        if let Ok((_, EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided))) =
            esipa::decode_request(request)
            && let EimPackageResult::IpaEuiccDataResponse(answer) = provided.eim_package_result
        {
            seen.borrow_mut().push(answer);
        }
    }));
    assert_eq!(refused(&mut world, offered("BF520483020A0B")), []);
    let answers = answers.borrow();
    let [IpaEuiccDataResponse::Error(error)] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    let code = error.ipa_euicc_data_error_code;
    assert_eq!(code, IpaEuiccDataErrorCode::INCORRECT_TAG_LIST);
    let transaction = error.eim_transaction_id.as_ref();
    assert_eq!(transaction.unwrap().to_string(), "0A0B");
}

/// What the eIM has besides is done in the same round.
#[test]
fn an_unusable_package_holds_nothing_up() {
    for binding in [EsipaBinding::Asn1, EsipaBinding::Json] {
        let mut world = in_binding(binding);
        let list = world.queue(OperationKind::ListProfileInfo).unwrap();
        let body = match binding {
            EsipaBinding::Asn1 => offered("BF5F03800101"),
            EsipaBinding::Json => in_json("somethingRequest", "v18DgAEB"),
        };
        assert_eq!(refused(&mut world, body).len(), 1);
        let events = &world.events;
        let told = |event: &Event| matches!(event, Event::PackageRefused { .. });
        assert_eq!(events.iter().filter(|event| told(event)).count(), 1);
        let operation = world.operation(&list).unwrap();
        assert!(operation.is_final(), "{operation:?} {events:?}");
    }
}

/// Such an answer is one: a cause that was told is told no more. What is no
/// answer of an eIM at all is not told to it, and leaves the cause to be told.
#[test]
fn only_an_answer_of_an_eim_counts_as_told() {
    for (body, answers) in [
        (offered("BF5F03800101"), true),
        (b"<html>".to_vec(), false),
        (offered("0280"), false),
        (Vec::new(), false),
    ] {
        let mut world = in_binding(EsipaBinding::Asn1);
        world.round().unwrap();
        world
            .ipa
            .handle(Input::Device(DeviceEvent::DeviceChanged), world.now);
        let refusals = refused(&mut world, body.clone());
        assert_eq!(!refusals.is_empty(), answers, "{body:02X?}");
        let told = Rc::new(RefCell::new(Vec::new()));
        let seen = told.clone();
        world.fault.request = Some(Box::new(move |request: &mut HttpRequest| {
            if let Ok((_, EsipaMessageFromIpaToEim::GetEimPackageRequest(poll))) =
                esipa::decode_request(request)
            {
                seen.borrow_mut().push(poll.state_change_cause);
            }
        }));
        world.round().unwrap();
        let first = told.borrow().first().copied().unwrap();
        let expected = (!answers).then_some(StateChangeCause::DEVICE_CHANGE);
        assert_eq!(first, expected, "{body:02X?}");
    }
}
