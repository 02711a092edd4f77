//! Bindings in JSON (SGP.22 6.5).

use std::fmt::Debug;

use rsp_core::binding::es9plus_json as es9plus;
use rsp_core::binding::esipa::{EsipaBinding, Function as Esipa};
use rsp_core::binding::esipa_json;
use rsp_core::binding::json::{self, Function};
use rsp_core::binding::{HttpRequest, HttpResponse, es2plus_json as es2plus};
use rsp_core::binding::{es11, es12_json as es12};

const CONTENT_TYPE: &str = "application/json;charset=UTF-8";

/// A request to the function that the first octet selects.
fn request(data: &[u8], paths: &[&str]) -> Option<HttpRequest> {
    let (selector, body) = data.split_first()?;
    let path = paths.get(usize::from(*selector) % paths.len())?;
    Some(HttpRequest {
        path: (*path).to_string(),
        content_type: CONTENT_TYPE.to_string(),
        admin_protocol: None,
        user_agent: None,
        body: body.to_vec(),
    })
}

/// The body as the answer to a function.
fn answer<F: Function<Ok: PartialEq + Debug>>(body: &[u8]) {
    let response = HttpResponse::ok(CONTENT_TYPE, body.to_vec());
    if let Ok(value) = json::decode_response::<F>(&response) {
        let written = json::encode_response(Ok(&value)).expect("what was read can be written");
        let again = json::decode_response::<F>(&written).expect("what was written can be read");
        assert_eq!(again, value);
    }
}

/// ES9+: requests at the server, responses at the client.
pub(crate) fn es9plus_json(data: &[u8]) {
    let paths = [
        es9plus::InitiateAuthenticationRequest::PATH,
        es9plus::AuthenticateClientRequest::PATH,
        es9plus::GetBoundProfilePackageRequest::PATH,
        es9plus::HandleNotificationRequest::PATH,
        es9plus::CancelSessionRequest::PATH,
    ];
    let Some(request) = request(data, &paths) else {
        return;
    };
    answer::<es9plus::InitiateAuthenticationRequest>(&request.body);
    answer::<es9plus::AuthenticateClientRequest>(&request.body);
    answer::<es9plus::GetBoundProfilePackageRequest>(&request.body);
    answer::<es9plus::CancelSessionRequest>(&request.body);
    let Ok(message) = es9plus::decode_request(&request) else {
        return;
    };
    let written = match &message {
        es9plus::Request::InitiateAuthentication(message) => json::encode_request(message, None),
        es9plus::Request::AuthenticateClient(message) => json::encode_request(message, None),
        es9plus::Request::GetBoundProfilePackage(message) => json::encode_request(message, None),
        es9plus::Request::HandleNotification(message) => json::encode_request(message, None),
        es9plus::Request::CancelSession(message) => json::encode_request(message, None),
    };
    let written = written.expect("what was read can be written");
    let again = es9plus::decode_request(&written).expect("what was written can be read");
    assert_eq!(again, message);
}

/// ES2+ at the server.
pub(crate) fn es2plus_json(data: &[u8]) {
    es12_json(data);
    let paths = [
        es2plus::DownloadOrder::PATH,
        es2plus::ConfirmOrder::PATH,
        es2plus::ReleaseProfile::PATH,
        es2plus::CancelOrder::PATH,
    ];
    if let Some(request) = request(data, &paths) {
        if let Ok(message) = es2plus::decode_request(&request) {
            let written = match &message {
                es2plus::Request::DownloadOrder(message) => json::encode_request(message, None),
                es2plus::Request::ConfirmOrder(message) => json::encode_request(message, None),
                es2plus::Request::CancelOrder(message) => json::encode_request(message, None),
                es2plus::Request::ReleaseProfile(message) => json::encode_request(message, None),
            };
            let written = written.expect("what was read can be written");
            let again = es2plus::decode_request(&written).expect("what was written can be read");
            assert_eq!(again, message);
        }
        answer::<es2plus::DownloadOrder>(&request.body);
        answer::<es2plus::ConfirmOrder>(&request.body);
    }
}

/// What SM-DP+s tell an SM-DS: the same headers, two functions of its own.
fn es12_json(data: &[u8]) {
    let paths = [es12::RegisterEvent::PATH, es12::DeleteEvent::PATH];
    let Some(request) = request(data, &paths) else {
        return;
    };
    if let Ok(message) = es12::decode_request(&request) {
        let written = match &message {
            es12::Request::RegisterEvent(message) => json::encode_request(message, None),
            es12::Request::DeleteEvent(message) => json::encode_request(message, None),
        };
        let written = written.expect("what was read can be written");
        let again = es12::decode_request(&written).expect("what was written can be read");
        assert_eq!(again, message);
    }
    answer::<es11::AuthenticateClientRequest>(&request.body);
}

/// ESipa: requests at the eIM, responses at the IPA, and injection both ways.
/// The first octet selects the function.
pub(crate) fn esipa_json(data: &[u8]) {
    let Some((selector, body)) = data.split_first() else {
        return;
    };
    let function = Esipa::ALL[usize::from(*selector) % Esipa::ALL.len()];
    let request = HttpRequest {
        path: format!("{}{}", esipa_json::PATH, function.name()),
        content_type: CONTENT_TYPE.to_string(),
        admin_protocol: None,
        user_agent: None,
        body: body.to_vec(),
    };
    match esipa_json::decode_request(&request) {
        Ok(message) => {
            let written = EsipaBinding::Json.encode_request(&message);
            let written = written.expect("what was read can be written");
            let again = esipa_json::decode_request(&written);
            assert_eq!(again.expect("what was written can be read"), message);
        }
        Err(error) => drop(rsp_core::binding::esipa::refuse(&request, &error)),
    }
    let response = HttpResponse::ok(CONTENT_TYPE, body.to_vec());
    if let Ok(message) = esipa_json::decode_response(function, &response) {
        let written = esipa_json::encode_response(&message, None);
        let again = esipa_json::decode_response(function, &written);
        assert_eq!(again.expect("what was written can be read"), message);
    }
    if let Ok(message) = esipa_json::decode_transfer(&request) {
        let written = esipa_json::encode_transfer(&message).expect("what was read can be written");
        assert_eq!(esipa_json::decode_transfer(&written), Ok(message));
    }
    if let Ok(message) = esipa_json::decode_transferred(&response) {
        let written = esipa_json::encode_transferred(&message);
        assert_eq!(esipa_json::decode_transferred(&written), Ok(message));
    }
}
