//! Bad input at ESipa: the standard's error where there is one, a status where
//! there is none, and nothing changes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use lab::World;
use rsp_asn1::Asn1;
use rsp_asn1::sgp32::{
    EimPackageError, EsipaMessageFromEimToIpa, GetEimPackageResponse, ProvideEimPackageResultError,
    ProvideEimPackageResultResponse,
};
use rsp_core::Context;
use rsp_core::binding::{HttpRequest, HttpResponse, esipa, esipa_asn1};
use rsp_core::eim::OperationKind;
use rsp_crypto::software::SoftwareProvider;

/// What the eIM answers to a body, as its listener does.
fn answer(world: &mut World, body: &[u8], content_type: &str) -> HttpResponse {
    let request = HttpRequest {
        path: esipa_asn1::PATH.to_string(),
        content_type: content_type.to_string(),
        admin_protocol: None,
        user_agent: None,
        body: body.to_vec(),
    };
    answer_to(world, &request)
}

fn answer_to(world: &mut World, request: &HttpRequest) -> HttpResponse {
    let mut cx = Context {
        now: world.now,
        rng: &mut world.rng,
        crypto: &SoftwareProvider,
    };
    match esipa::decode_request(request) {
        Ok((binding, message)) => {
            let reply = world.eim.handle(&message, &mut cx).unwrap();
            reply.encode(binding)
        }
        Err(error) => esipa::refuse(request, &error),
    }
}

fn message(response: &HttpResponse) -> EsipaMessageFromEimToIpa {
    assert_eq!(response.status, 200);
    EsipaMessageFromEimToIpa::from_der(&response.body).unwrap()
}

fn poll_error(error: EimPackageError) -> EsipaMessageFromEimToIpa {
    let response = GetEimPackageResponse::EimPackageError(error);
    EsipaMessageFromEimToIpa::GetEimPackageResponse(response)
}

fn result_error(error: ProvideEimPackageResultError) -> EsipaMessageFromEimToIpa {
    let response = ProvideEimPackageResultResponse::Error(error);
    EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(response)
}

/// A data object with a short length.
fn object(tag: &[u8], value: &[u8]) -> Vec<u8> {
    let mut octets = tag.to_vec();
    octets.push(u8::try_from(value.len()).unwrap());
    octets.extend_from_slice(value);
    octets
}

const POLL: &[u8] = &[0xBF, 0x4F];
const PROVIDE: &[u8] = &[0xBF, 0x50];

/// EIM-33, EIM-34, EIM-35, EIM-36.
#[test]
fn errors_of_a_poll_are_those_of_the_standard() {
    let mut world = World::new(1).unwrap();
    let known = object(&[0x5A], world.eid.as_bytes());
    let mut unknown = *world.eid.as_bytes();
    unknown[15] ^= 1;
    for (members, error) in [
        (known.clone(), EimPackageError::NO_EIM_PACKAGE_AVAILABLE),
        (object(&[0x5A], &unknown), EimPackageError::EID_NOT_FOUND),
        (object(&[0x5A], &[0x89; 15]), EimPackageError::INVALID_EID),
        (object(&[0x5A], &[0x8F; 16]), EimPackageError::INVALID_EID),
        (Vec::new(), EimPackageError::MISSING_EID),
        (
            [known.clone(), object(&[0x81], &[])].concat(),
            EimPackageError::UNDEFINED_ERROR,
        ),
    ] {
        let response = answer(&mut world, &object(POLL, &members), "");
        assert_eq!(message(&response), poll_error(error), "{members:02X?}");
    }
}

/// EIM-35, EIM-36, EIM-62: in the JSON binding a poll without an EID, or with
/// none that is one, is refused with pair and number.
#[test]
fn errors_of_a_poll_in_json() {
    let mut world = World::new(4).unwrap();
    let mut unknown = *world.eid.as_bytes();
    unknown[15] ^= 1;
    let hex = |octets: &[u8]| {
        octets
            .iter()
            .map(|o| format!("{o:02X}"))
            .collect::<String>()
    };
    let eid = |value: &str| format!("{{\"eidValue\":\"{value}\"}}");
    for (body, pair, code) in [
        (eid(&world.eid.to_string()), "8.1.1/3.7", 1),
        (eid(&hex(&unknown)), "8.1.1/3.9", 2),
        (eid("89049032"), "8.1.1/2.1", 3),
        (eid(&"8F".repeat(16)), "8.1.1/2.1", 3),
        ("{}".to_string(), "8.1.1/2.2", 4),
    ] {
        let request = HttpRequest {
            path: "/gsma/rsp2/esipa/getEimPackage".to_string(),
            content_type: "application/json;charset=UTF-8".to_string(),
            admin_protocol: None,
            user_agent: None,
            body: body.clone().into_bytes(),
        };
        let response = answer_to(&mut world, &request);
        let text: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        let data = &text["header"]["functionExecutionStatus"]["statusCodeData"];
        let member = |name: &str| data[name].as_str().unwrap().to_string();
        let said = format!("{}/{}", member("subjectCode"), member("reasonCode"));
        assert_eq!(said, pair, "{body}");
        assert_eq!(text["eimPackageError"], code, "{body}");
    }
}

#[test]
fn errors_of_a_result_are_those_of_the_standard() {
    let mut world = World::new(2).unwrap();
    let known = object(&[0x5A], world.eid.as_bytes());
    let mut unknown = *world.eid.as_bytes();
    unknown[15] ^= 1;
    let refused = object(&[0xA0], &[0x02, 0x01, 0x7F]);
    for (members, error) in [
        (
            [object(&[0x5A], &unknown), refused.clone()].concat(),
            ProvideEimPackageResultError::EID_NOT_FOUND,
        ),
        (
            [object(&[0x5A], &[0x89; 17]), refused.clone()].concat(),
            ProvideEimPackageResultError::INVALID_EID,
        ),
        (refused, ProvideEimPackageResultError::MISSING_EID),
        (
            [known, object(&[0x82], &[1])].concat(),
            ProvideEimPackageResultError::UNDEFINED_ERROR,
        ),
    ] {
        let response = answer(&mut world, &object(PROVIDE, &members), "");
        assert_eq!(message(&response), result_error(error), "{members:02X?}");
    }
}

/// EIM-63.
#[test]
fn what_is_no_message_is_not_executed() {
    let mut world = World::new(3).unwrap();
    world.queue(OperationKind::ListProfileInfo).unwrap();
    let before = world.eim.store().euicc(world.eid).unwrap();
    let known = object(&[0x5A], world.eid.as_bytes());
    let poll = object(POLL, &known);
    let nested = {
        let mut octets = vec![0xBF, 0x50, 0x83, 0x01, 0x86, 0xA0];
        octets.extend([0xA0, 0x80].repeat(50_000));
        octets
    };
    let mut bodies = vec![
        Vec::new(),
        vec![0x00],
        b"{\"eidValue\":\"89\"}".to_vec(),
        [poll.clone(), vec![0x00]].concat(),
        object(&[0xBF, 0x4E], &known),
        object(&[0xBF, 0x3D], &[0xA0, 0x02, 0x30, 0x00]),
        nested,
        vec![0xBF, 0x4F, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
    ];
    bodies.extend((1..poll.len()).map(|length| poll[..length].to_vec()));
    for body in bodies {
        let response = answer(&mut world, &body, "application/x-gsma-rsp-asn1");
        let shown = &body[..body.len().min(24)];
        assert_eq!(response.status, 400, "{shown:02X?}");
    }
    assert_eq!(world.eim.store().euicc(world.eid).unwrap(), before);
}

/// EIM-64.
#[test]
fn the_body_counts_and_not_the_content_type() {
    let mut world = World::new(4).unwrap();
    let poll = object(POLL, &object(&[0x5A], world.eid.as_bytes()));
    for content_type in [
        "",
        "application/json",
        "text/plain",
        "application/octet-stream",
    ] {
        let response = answer(&mut world, &poll, content_type);
        let none = EimPackageError::NO_EIM_PACKAGE_AVAILABLE;
        assert_eq!(message(&response), poll_error(none));
    }
}
