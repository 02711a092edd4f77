//! What comes through the HTTP doors besides the messages themselves: paths,
//! headers and statuses, and the JSON of the northbound API.

use std::fmt::Debug;

use rsp_core::binding::{
    BindingError, HttpRequest, HttpResponse, es2plus_json, es9plus, esipa_asn1, json,
};
use rsp_core::eim::IpaBuild;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a value; what was read is written and read again.
fn read<T: DeserializeOwned + Serialize + PartialEq + Debug>(text: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(text) else {
        return;
    };
    let written = serde_json::to_vec(&value).expect("what was read can be written");
    let again: T = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(again, value);
}

/// Bodies of the API (`/v1`): requests at the server, responses at the client.
pub(crate) fn api_json(data: &[u8]) {
    read::<api::NewDevice>(data);
    read::<api::DeviceSettings>(data);
    read::<api::NewProfiles>(data);
    read::<api::NewOperation>(data);
    read::<api::EimConfiguration>(data);
    read::<api::Page<api::Device>>(data);
    read::<api::DeviceProfiles>(data);
    read::<api::Page<api::Operation>>(data);
    read::<api::Imported>(data);
    read::<api::Problem>(data);
    if let Ok(new) = serde_json::from_slice::<api::NewProfiles>(data) {
        let shown = format!("{:?}", new.subscriptions);
        let secrets = new.subscriptions.iter().flat_map(|one| [&one.ki, &one.opc]);
        let hidden = secrets.filter(|secret| secret.0.len() > 20).all(|secret| {
            // The same digits may stand where they are no secret.
            let public = new.subscriptions.iter().map(|one| (&one.iccid, &one.imsi));
            let mut public = public.flat_map(|(iccid, imsi)| [iccid, imsi]);
            public.any(|text| text.contains(&secret.0)) || !shown.contains(&secret.0)
        });
        assert!(hidden, "a key is shown");
    }
}

/// Path, Content-Type, X-Admin-Protocol and User-Agent in a line each, and the
/// body.
fn request(data: &[u8]) -> HttpRequest {
    let mut parts = data.splitn(5, |octet| *octet == b'\n');
    let mut line = || {
        let line = parts.next().unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    };
    let (path, content_type, admin_protocol, user_agent) = (line(), line(), line(), line());
    HttpRequest {
        path,
        content_type,
        admin_protocol: Some(admin_protocol).filter(|value| !value.is_empty()),
        user_agent: Some(user_agent).filter(|value| !value.is_empty()),
        body: parts.next().unwrap_or_default().to_vec(),
    }
}

/// What is no message is not executed, and says so.
fn refused(response: &HttpResponse) {
    assert!(response.status >= 400, "{response:?}");
    let status = json::decode_response::<es2plus_json::ReleaseProfile>(response);
    match status.expect_err("it was not executed") {
        BindingError::Status { status, text } => {
            assert_eq!(status, response.status);
            assert!(text.chars().count() <= 200);
        }
        other => panic!("{other}"),
    }
}

/// Requests at all doors, and statuses at their clients.
pub(crate) fn http_messages(data: &[u8]) {
    let request = request(data);
    match es2plus_json::decode_request(&request) {
        Ok(message) => {
            assert!(es2plus_json::is_path(&request.path));
            let _ = message.header();
        }
        Err(error) => refused(&json::not_executed(&error)),
    }
    match es9plus::decode_request(&request) {
        Ok(_) => assert!(es9plus::is_path(&request.path)),
        Err(error) => refused(&es9plus::not_executed(&request, &error)),
    }
    if let Err(error) = esipa_asn1::decode_request(&request) {
        let _ = esipa_asn1::refuse(&request, &error);
    }
    let seen = IpaBuild::seen(&HttpRequest {
        path: esipa_asn1::PATH.to_string(),
        ..request.clone()
    });
    assert!(seen.quirks.is_sorted());
    assert_eq!(seen.with(&seen), seen);
    // The same as a response: the length of the path is its status.
    let response = HttpResponse {
        status: u16::try_from(request.path.len()).unwrap_or(599),
        content_type: Some(request.content_type.clone()),
        admin_protocol: request.admin_protocol.clone(),
        body: request.body.clone(),
    };
    let answered = json::decode_response::<es2plus_json::DownloadOrder>(&response);
    let _ = esipa_asn1::decode_response(&response);
    if !(200..300).contains(&response.status) {
        assert!(matches!(answered, Err(BindingError::Status { .. })));
    }
}
