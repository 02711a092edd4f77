//! One changed bit, in a package, a signature or a certificate: refused with
//! the standard's error, nothing is installed or enabled, and the next attempt
//! succeeds.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use lab::{Algorithm, Fault, World};
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{AuthenticateServerResponse, PrepareDownloadResponse};
use rsp_asn1::sgp32::{
    EimPackageResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, EuiccPackageResult,
    GetEimPackageResponse,
};
use rsp_asn1::{Asn1, BitString, Certificate, Signed};
use rsp_core::binding::es9plus_json as es9plus;
use rsp_core::binding::{HttpRequest, HttpResponse, esipa_asn1, json};
use rsp_core::eim::{OperationKind, OperationState};
use rsp_core::profile;

fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x04;
}

/// The same certificate with one bit of its signature changed.
fn flip_certificate(certificate: &mut Certificate) {
    let mut der = certificate.as_bytes().to_vec();
    *der.last_mut().unwrap() ^= 0x01;
    *certificate = Certificate::from_bytes(&der).unwrap();
}

/// Changes the response of one function of ES9+.
fn es9plus_response<F>(change: fn(&mut F::Ok)) -> Fault
where
    F: json::Function<Ok: 'static> + 'static,
{
    let response = move |request: &HttpRequest, response: &mut HttpResponse| {
        if request.path != F::PATH {
            return;
        }
        let mut body = json::decode_response::<F>(response).unwrap();
        change(&mut body);
        *response = json::encode_response(Ok(body)).unwrap();
    };
    Fault {
        response: Some(Box::new(response)),
        ..Fault::default()
    }
}

/// Changes a request of ES9+.
fn es9plus_request<F: json::Function + 'static>(
    read: fn(es9plus::Request) -> Option<F>,
    change: fn(&mut F),
) -> Fault {
    let request = move |request: &mut HttpRequest| {
        if request.path != F::PATH {
            return;
        }
        let mut message = read(es9plus::decode_request(request).unwrap()).unwrap();
        change(&mut message);
        *request = json::encode_request(&message, None).unwrap();
    };
    Fault {
        request: Some(Box::new(request)),
        ..Fault::default()
    }
}

fn authenticate_client(request: es9plus::Request) -> Option<es9plus::AuthenticateClientRequest> {
    match request {
        es9plus::Request::AuthenticateClient(request) => Some(request),
        _ => None,
    }
}

fn get_bpp(request: es9plus::Request) -> Option<es9plus::GetBoundProfilePackageRequest> {
    match request {
        es9plus::Request::GetBoundProfilePackage(request) => Some(request),
        _ => None,
    }
}

/// Downloads under a fault; the operation must end for `reason`: at once if the
/// card signed it, and if only the IPA says so by the card's list, which shows
/// no new profile. Then a clean
/// download and enable must succeed on the same card.
#[track_caller]
fn refused(fault: Fault, signed: bool, reason: &str) {
    let mut world = World::new(7).unwrap();
    let template = profile::template();
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&template, &subscription).unwrap();
    world.fault = fault;
    let download = world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    world.round().unwrap();
    let ended = world.operation(&download).unwrap();
    let actual = match ended.state {
        OperationState::Failed { reason } if signed == ended.settled_by.is_none() => reason,
        state => panic!("{state:?}"),
    };
    assert!(actual.contains(reason), "{actual}");

    world.fault = Fault::default();
    let subscription = world.subscription(2).unwrap();
    let iccid = subscription.iccid;
    let activation_code = world.order(&template, &subscription).unwrap();
    world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    let enable = world.queue(enable_of(iccid)).unwrap();
    world.round().unwrap();
    let enabled = world.operation(&enable).unwrap();
    assert_eq!(enabled.state_name(), "confirmed", "{enabled:?}");
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
}

#[test]
fn the_card_refuses_a_changed_server_signature() {
    type F = es9plus::InitiateAuthenticationRequest;
    refused(
        es9plus_response::<F>(|body| flip(&mut body.server_signature1)),
        false,
        "the card refused AuthenticateServer: 2",
    );
}

#[test]
fn the_card_refuses_a_changed_authentication_certificate() {
    type F = es9plus::InitiateAuthenticationRequest;
    refused(
        es9plus_response::<F>(|body| flip_certificate(&mut body.server_certificate)),
        false,
        "the card refused AuthenticateServer: 1",
    );
}

#[test]
fn the_card_refuses_a_changed_offer() {
    type F = es9plus::AuthenticateClientRequest;
    refused(
        es9plus_response::<F>(|body| flip(&mut body.smdp_signature2)),
        false,
        "the card refused PrepareDownload: 2",
    );
}

#[test]
fn the_card_refuses_a_changed_binding_certificate() {
    type F = es9plus::AuthenticateClientRequest;
    refused(
        es9plus_response::<F>(|body| flip_certificate(&mut body.smdp_certificate)),
        false,
        "the card refused PrepareDownload: 1",
    );
}

#[test]
fn the_card_refuses_a_changed_channel_signature() {
    type F = es9plus::GetBoundProfilePackageRequest;
    refused(
        es9plus_response::<F>(|body| {
            let initialise = &body.bound_profile_package.initialise_secure_channel_request;
            let mut der = initialise.as_bytes().to_vec();
            *der.last_mut().unwrap() ^= 0x01;
            body.bound_profile_package.initialise_secure_channel_request =
                Asn1::from_der(&der).unwrap();
        }),
        true,
        "invalidSignature(2) at initialiseSecureChannel(0)",
    );
}

#[test]
fn the_card_refuses_a_changed_first_segment() {
    type F = es9plus::GetBoundProfilePackageRequest;
    refused(
        es9plus_response::<F>(|body| {
            flip(&mut body.bound_profile_package.first_sequence_of_87.0[0]);
        }),
        true,
        "scp03tSecurityError(8) at configureIsdp(1)",
    );
}

#[test]
fn the_card_refuses_changed_metadata() {
    type F = es9plus::GetBoundProfilePackageRequest;
    refused(
        es9plus_response::<F>(|body| {
            // The MAC: other metadata would not get past the IPA.
            let segment = &mut body.bound_profile_package.sequence_of_88.0[0];
            *segment.last_mut().unwrap() ^= 0x01;
        }),
        true,
        "scp03tSecurityError(8) at storeMetadata(2)",
    );
}

#[test]
fn the_card_refuses_a_changed_profile_element() {
    type F = es9plus::GetBoundProfilePackageRequest;
    refused(
        es9plus_response::<F>(|body| {
            let segments = &mut body.bound_profile_package.sequence_of_86.0;
            flip(segments.last_mut().unwrap());
        }),
        true,
        "scp03tSecurityError(8) at loadProfileElements(5)",
    );
}

#[test]
fn the_ipa_refuses_a_profile_with_policy_rules() {
    type F = es9plus::AuthenticateClientRequest;
    refused(
        es9plus_response::<F>(|body| {
            // ppr1: disabling is not allowed.
            body.profile_metadata.profile_policy_rules = Some(BitString::of(&[1]));
        }),
        false,
        "policy rules",
    );
}

#[test]
fn the_server_refuses_a_changed_euicc_signature() {
    refused(
        es9plus_request(authenticate_client, |request| {
            if let AuthenticateServerResponse::Ok(ok) = &mut request.authenticate_server_response {
                flip(&mut ok.euicc_signature1);
            }
        }),
        false,
        "8.1/6.1",
    );
    refused(
        es9plus_request(get_bpp, |request| {
            if let PrepareDownloadResponse::Ok(ok) = &mut request.prepare_download_response {
                flip(&mut ok.euicc_signature2);
            }
        }),
        false,
        "8.1/6.1",
    );
}

#[test]
fn the_server_refuses_a_changed_euicc_certificate() {
    refused(
        es9plus_request(authenticate_client, |request| {
            if let AuthenticateServerResponse::Ok(ok) = &mut request.authenticate_server_response {
                flip_certificate(&mut ok.euicc_certificate);
            }
        }),
        false,
        "8.1.3/6.1",
    );
}

#[test]
fn the_server_refuses_a_changed_eum_certificate() {
    refused(
        es9plus_request(authenticate_client, |request| {
            if let AuthenticateServerResponse::Ok(ok) = &mut request.authenticate_server_response {
                flip_certificate(&mut ok.eum_certificate);
            }
        }),
        false,
        "8.1.2/6.1",
    );
}

/// A world with a downloaded profile, ready to be enabled.
fn downloaded() -> (World, profile::Subscription) {
    let mut world = World::new(9).unwrap();
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    world.round().unwrap();
    (world, subscription)
}

#[test]
fn the_card_refuses_a_changed_package() {
    let (mut world, subscription) = downloaded();
    let iccid = subscription.iccid;
    let change = |_: &HttpRequest, response: &mut HttpResponse| {
        let message = EsipaMessageFromEimToIpa::from_der(&response.body);
        if let Ok(EsipaMessageFromEimToIpa::GetEimPackageResponse(
            GetEimPackageResponse::EuiccPackageRequest(_),
        )) = message
        {
            *response.body.last_mut().unwrap() ^= 0x01;
        }
    };
    world.fault.response = Some(Box::new(change));
    let enable = world.queue(enable_of(iccid)).unwrap();
    world.round().unwrap();
    // The card's refusal is not signed, so it proves nothing.
    let operation = world.operation(&enable).unwrap();
    assert_eq!(operation.state_name(), "outcome_unknown", "{operation:?}");
    assert!(world.confirm(&subscription, Algorithm::Milenage).is_err());

    world.fault = Fault::default();
    let enable = world.queue(enable_of(iccid)).unwrap();
    world.round().unwrap();
    let operation = world.operation(&enable).unwrap();
    assert_eq!(operation.state_name(), "confirmed", "{operation:?}");
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
}

#[test]
fn the_eim_believes_no_changed_result() {
    let (mut world, subscription) = downloaded();
    let iccid = subscription.iccid;
    let change = |request: &mut HttpRequest| {
        let message = EsipaMessageFromIpaToEim::from_der(&request.body);
        if let Ok(EsipaMessageFromIpaToEim::ProvideEimPackageResult(mut provided)) = message
            && let EimPackageResult::EuiccPackageResult(result) = &provided.eim_package_result
            && let EuiccPackageResult::Signed(mut result) = result.clone().into_value()
        {
            flip(&mut result.euicc_sign_epr);
            let result = Signed::new(EuiccPackageResult::Signed(result));
            provided.eim_package_result = EimPackageResult::EuiccPackageResult(result);
            let message = EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided);
            *request = esipa_asn1::encode_request(&message);
        }
    };
    world.fault.request = Some(Box::new(change));
    let enable = world.queue(enable_of(iccid)).unwrap();
    world.round().unwrap();
    // The eIM says that it did not take it over: the IPA keeps it.
    let operation = world.operation(&enable).unwrap();
    assert_eq!(operation.state_name(), "delivered", "{operation:?}");

    // The card kept its result; without the fault it is delivered and believed.
    world.fault = Fault::default();
    world.power_cut();
    world.round().unwrap();
    assert_eq!(world.operation(&enable).unwrap().state_name(), "confirmed");
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
}

fn enable_of(iccid: Iccid) -> OperationKind {
    OperationKind::Enable {
        iccid,
        rollback: false,
    }
}
