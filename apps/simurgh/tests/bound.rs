//! A device that has proven who it is speaks for no other: by the identity of
//! its pre-shared key over CoAP, by its name at the broker over MQTT.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "../../simurgh-lab/src/broker.rs"]
#[allow(dead_code, reason = "the demonstration uses the rest")]
mod broker;
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::PrivateBroker;
use rsp_asn1::Asn1;
use rsp_asn1::sgp32::{
    EimPackageResult, EimPackageResultErrorCode, EimPackageResultResponseError,
    GetEimPackageRequest, ProvideEimPackageResult,
};
use rsp_core::binding::{HttpRequest, HttpResponse, esipa_asn1};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::dtls::Credentials;
use rsp_net::{CoapClient, MqttClient};
use support::Server;
use tokio::runtime::{Builder, Runtime};

/// As `broker` has it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Name of the eIM that `simurgh init` writes.
const FQDN: &str = "eim.simurgh.test";
const OWN: &str = "89882119900000000000000000000005";
const OTHER: &str = "89049032123451234512345678901235";
const PATIENCE: Duration = Duration::from_secs(20);

/// 204 for nothing, or the code of an eIM that has nothing.
const NOTHING: [u8; 6] = [0xBF, 0x4F, 3, 2, 1, 1];

fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

fn request(body: Vec<u8>) -> HttpRequest {
    HttpRequest {
        path: esipa_asn1::PATH.to_owned(),
        content_type: esipa_asn1::CONTENT_TYPE.to_owned(),
        admin_protocol: None,
        user_agent: None,
        body,
    }
}

fn poll(eid: &str) -> HttpRequest {
    let poll = GetEimPackageRequest {
        eid_value: eid.parse().unwrap(),
        notify_state_change: None,
        state_change_cause: None,
        r_plmn: None,
        extensions: rsp_asn1::Extensions::default(),
    };
    request(poll.to_der())
}

/// An error in place of a result.
fn result(eid: &str) -> HttpRequest {
    let error = EimPackageResultResponseError {
        eim_transaction_id: None,
        eim_package_result_error_code: EimPackageResultErrorCode::UNDEFINED_ERROR,
        extensions: rsp_asn1::Extensions::default(),
    };
    let provided = ProvideEimPackageResult {
        eid_value: Some(eid.parse().unwrap()),
        eim_package_result: EimPackageResult::ResponseError(error),
        extensions: rsp_asn1::Extensions::default(),
    };
    request(provided.to_der())
}

/// What is refused to a device is what it says of the other one.
fn speaks_for_itself(post: impl Fn(HttpRequest) -> HttpResponse) {
    let own = post(poll(OWN));
    assert_eq!((own.status, &own.body[..]), (200, &NOTHING[..]));
    assert_eq!(post(result(OWN)).status, 200);
    for about_another in [poll(OTHER), result(OTHER)] {
        assert_eq!(post(about_another).status, 403);
    }
}

#[test]
fn a_key_speaks_for_its_device() {
    let server = Server::start("bound-psk", &["--set", "eim.coap.listen=127.0.0.1:0"]);
    for eid in [OWN, OTHER] {
        server.json(&["device", "add", eid]);
    }
    // A name that is not the EID, and even that of another.
    let made = server.json(&["device", "psk", OWN, "--identity", OTHER]);
    let key = made["key"].as_str().unwrap();
    let key: Vec<u8> = (0..key.len() / 2)
        .map(|at| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let credentials = Credentials::Psk {
        identity: OTHER.into(),
        key: key.into(),
    };
    let runtime = runtime();
    let client = CoapClient::new(Arc::new(SoftwareProvider))
        .resolve(FQDN, server.address("coap"))
        .timeout(PATIENCE);
    let post = |request| {
        let posted = client.post(FQDN, &credentials, request);
        runtime.block_on(posted).unwrap()
    };
    speaks_for_itself(post);
    let refused = server.log().contains("a device speaks for another one");
    assert!(refused, "{}", server.log());
    // Nothing is brought to devices by a server that was not told to.
    let ca = server.folder().join("pki/private_ca.pem");
    let listener = [
        "device",
        "listener",
        OWN,
        "--address",
        "https://device.example.com",
    ];
    let at = [&listener[..], &["--certificate", ca.to_str().unwrap()]].concat();
    assert!(server.failure(&at).contains("brings nothing"));
    // The association lives on, the key does not.
    server.run(&["device", "psk", OWN, "--remove"]);
    assert_eq!(post(poll(OWN)).status, 403);
}

#[test]
fn a_name_at_the_broker_speaks_for_its_device() {
    let broker = PrivateBroker::start(FQDN).unwrap();
    let settings = [
        format!("eim.mqtt.broker={}", broker::HOST),
        format!("eim.mqtt.ca={}", broker.ca().display()),
        format!("eim.mqtt.username={}", broker::EIM_USER),
        format!("eim.mqtt.password={}", broker.password().display()),
        format!("resolve={{\"{}\" = \"{}\"}}", broker::HOST, broker.address),
    ];
    for (compared, name) in [(true, OWN), (false, "a gateway")] {
        let compares = format!("eim.mqtt.device_is_eid={compared}");
        let settings = settings.iter().chain([&compares]);
        let options: Vec<&str> = settings.flat_map(|one| ["--set", one.as_str()]).collect();
        let server = Server::start("bound-mqtt", &options);
        for eid in [OWN, OTHER] {
            server.json(&["device", "add", eid]);
        }
        let runtime = runtime();
        let crypto = Arc::new(SoftwareProvider);
        let client = MqttClient::new(broker.device(broker.address), name, PATIENCE, crypto);
        let began = Instant::now();
        let post = |request: HttpRequest| loop {
            // The eIM tells nobody when it has subscribed.
            match runtime.block_on(client.post(FQDN, request.clone())) {
                Ok(response) => return response,
                Err(error) if began.elapsed() > PATIENCE => panic!("{error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        match compared {
            true => speaks_for_itself(post),
            false => {
                for eid in [OWN, OTHER] {
                    assert_eq!(post(poll(eid)).body, NOTHING);
                }
            }
        }
    }
}
