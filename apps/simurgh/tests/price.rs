//! What operations cost, before and after: what the eIM counts is held against what the
//! device has sent and was answered.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/field.rs"]
mod field;
#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::net::TcpListener;
use std::sync::Arc;

use field::{Fielded, Site};
use rsp_asn1::Asn1;
use rsp_asn1::sgp32::{
    EimPackageResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim as Message,
    GetEimPackageRequest, GetEimPackageResponse,
};
use rsp_core::binding::{HttpRequest, HttpResponse, Transport, esipa_asn1};
use rsp_core::ipa::{Config, IpaFeatures};
use rsp_core::pki::{TlsTrust, certificate_from_pem};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::dtls::Credentials;
use rsp_net::{Client, CoapClient};
use serde_json::{Value, json};
use support::{Server, simurgh};
use tokio::runtime::Builder;

const EID: &str = "89882119900000000000000000000005";
const BOOTSTRAP: &str = "89999700000000000010";
const ICCID: &str = "89999700000000000028";
const EIM: &str = "eim.simurgh.test";
const SMDP: &str = "smdp.simurgh.test";

/// Octets from the device and to it, and how many exchanges.
type Octets = (u64, u64, u64);

/// What was exchanged with the eIM that was about something.
fn counted(site: &Site, is_about: impl Fn(&Message, &HttpResponse) -> bool) -> Octets {
    let mut octets = (0, 0, 0);
    for (address, request, response) in &site.exchanged {
        if !address.starts_with(EIM) {
            continue;
        }
        let message = esipa_asn1::decode_request(request).unwrap();
        if is_about(&message, response) {
            octets.0 += request.body.len() as u64;
            octets.1 += response.body.len() as u64;
            octets.2 += 1;
        }
    }
    octets
}

/// What a poll brought.
fn brought(response: &HttpResponse) -> GetEimPackageResponse {
    match EsipaMessageFromEimToIpa::from_der(&response.body).unwrap() {
        EsipaMessageFromEimToIpa::GetEimPackageResponse(response) => response,
        other => panic!("{other:?}"),
    }
}

/// eUICC Packages and their results.
fn of_packages(message: &Message, response: &HttpResponse) -> bool {
    match message {
        Message::GetEimPackageRequest(_) => {
            matches!(
                brought(response),
                GetEimPackageResponse::EuiccPackageRequest(_)
            )
        }
        Message::ProvideEimPackageResult(provided) => matches!(
            provided.eim_package_result,
            EimPackageResult::EuiccPackageResult(_) | EimPackageResult::EprAndNotifications(_)
        ),
        _ => false,
    }
}

/// Triggers, their results, and the functions that the eIM relays.
fn of_downloads(message: &Message, response: &HttpResponse) -> bool {
    match message {
        Message::GetEimPackageRequest(_) => matches!(
            brought(response),
            GetEimPackageResponse::ProfileDownloadTriggerRequest(_)
        ),
        Message::ProvideEimPackageResult(provided) => matches!(
            provided.eim_package_result,
            EimPackageResult::ProfileDownloadTriggerResult(_)
        ),
        Message::HandleNotification(_)
        | Message::InitiateAuthenticationRequest(_)
        | Message::AuthenticateClientRequest(_)
        | Message::GetBoundProfilePackageRequest(_) => true,
        _ => false,
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

fn octets_of(price: &Value) -> Octets {
    let part = |name: &str| number(&price[name]);
    (part("from_device"), part("to_device"), part("exchanges"))
}

/// Waits until these are at their end; their prices.
fn done(site: &mut Site, ids: &[String]) -> Vec<Value> {
    let states = |server: &Server| {
        let show = |id: &String| server.json(&["operation", "show", id])["state"].clone();
        ids.iter().map(show).collect::<Vec<_>>()
    };
    site.poll_until(None, |server| {
        states(server).iter().all(|state| state == "confirmed")
    });
    let show = |id: &String| site.server.json(&["operation", "show", id])["price"].clone();
    ids.iter().map(show).collect()
}

fn ordered(server: &Server, arguments: &[&str]) -> String {
    server.json(arguments)["id"].as_str().unwrap().to_string()
}

/// Orders a list in one package.
fn list(server: &Server, eid: &str, kinds: &Value) -> Vec<String> {
    let file = server.folder().join("list.json");
    std::fs::write(&file, kinds.to_string()).unwrap();
    let page = server.json(&["operation", "order", eid, file.to_str().unwrap()]);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["id"].as_str().unwrap().to_string())
        .collect()
}

/// The device in the inventory, with a radio and a tariff for each profile.
fn describe(server: &Server, eid: &str, tariffs: [&str; 2]) {
    let profile = |iccid: &str, tariff: &str| json!({"iccid": iccid, "tariff": tariff});
    let device = json!({
        "id": eid,
        "modems": [{"technologies": ["nb_iot"]}],
        "sims": [{"kind": "euicc", "eid": eid, "state": "active", "profiles": [
            profile(ICCID, tariffs[0]), profile(BOOTSTRAP, tariffs[1]),
        ]}],
    });
    let file = server.folder().join("device.json");
    std::fs::write(&file, device.to_string()).unwrap();
    server.json(&["device", "describe", file.to_str().unwrap()]);
}

/// An estimate is near what came: in its bodies, whoever had the contact.
fn near(price: &Value) {
    let bodies = |side: &Value| number(&side["from_device"]) + number(&side["to_device"]);
    let (before, after) = (bodies(&price["estimated"]), bodies(&price["actual"]));
    let off = before.abs_diff(after) * 100 / after;
    assert!(off <= 10, "{off} %: {price}");
}

fn counts_and_prices(server: Server) {
    let smdp = server.address("smdp");
    let mut site = Site::of(server, &[ICCID, BOOTSTRAP], smdp);
    let eid = site.device.eid().to_string();
    of_an_unknown_device(&site.server, &eid);
    // The first operation: what the eIM asks for itself is not part of it.
    let id = ordered(&site.server, &["device", "rat", &eid]);
    let prices = done(&mut site, &[id]);
    assert_eq!(octets_of(&prices[0]["actual"]), counted(&site, of_packages));
    of_a_list(&mut site, &eid);
    of_a_switch(&mut site, &eid);
}

/// What is unknown is said, and is not zero.
fn of_an_unknown_device(server: &Server, eid: &str) {
    let enable = ["profile", "enable", eid, ICCID, "--price"];
    let before = server.json(&enable);
    assert!(number(&before["octets"]) > 0, "{before}");
    assert!(
        before["money"].is_null() && before["energy_mj"].is_null(),
        "{before}"
    );
    let unknown = before["unknown"].to_string();
    assert!(unknown.contains("which profile carries it"), "{unknown}");
    assert!(unknown.contains("radio technology"), "{unknown}");
    let table = String::from_utf8(server.run(&enable).stdout).unwrap();
    assert!(table.contains("MONEY        unknown"), "{table}");
    let none = server.json(&["operation", "list"]);
    assert_eq!(none["items"], json!([]), "a question orders nothing");
}

/// A list in one package is divided, and adds up.
fn of_a_list(site: &mut Site, eid: &str) {
    site.exchanged.clear();
    let kinds = json!([
        {"kind": "list_profile_info"}, {"kind": "get_rat"},
        {"kind": "set_default_dp_address", "address": "smdp.example.com"},
    ]);
    let ids = list(&site.server, eid, &kinds);
    let prices = done(site, &ids);
    let parts: Vec<Octets> = prices
        .iter()
        .map(|price| octets_of(&price["actual"]))
        .collect();
    let sum = parts.iter().fold((0, 0, 0), |sum: Octets, part| {
        (sum.0 + part.0, sum.1 + part.1, sum.2 + part.2)
    });
    assert_eq!(sum, counted(site, of_packages));
    assert!(
        parts[0].0.abs_diff(parts[1].0) < 5 && parts[1].2 == 0,
        "{parts:?}"
    );
    for price in &prices {
        assert_eq!(price["actual"]["together"], 3);
        assert_eq!(price["estimated"]["together"], 3);
    }
}

/// Its package goes by the profile before, its result by the one that is enabled.
fn of_a_switch(site: &mut Site, eid: &str) {
    site.exchanged.clear();
    describe(&site.server, eid, ["away", "home"]);
    let home = [
        "tariff",
        "set",
        "home",
        "--per-megabyte",
        "0.05 EUR",
        "--step",
        "1000",
    ];
    site.server.json(&home);
    let away = [
        "tariff",
        "set",
        "away",
        "--per-megabyte",
        "2 CHF",
        "--included",
        "5000000",
    ];
    site.server.json(&away);
    let enable = ["profile", "enable", eid, ICCID];
    let id = ordered(&site.server, &enable);
    let price = done(site, std::slice::from_ref(&id)).remove(0);
    assert_eq!(
        octets_of(&price["actual"]),
        counted(site, of_packages),
        "{price}"
    );
    near(&price);
    billed(&price["estimated"]);
    billed(&price["actual"]);

    // A tariff that is forgotten leaves the octets as they were.
    let deleted = site.server.run(&["tariff", "delete", "away"]);
    assert!(deleted.status.success(), "{deleted:?}");
    let later = site.server.json(&["operation", "show", &id]);
    let actual = &later["price"]["actual"];
    assert_eq!(actual["octets"], price["actual"]["octets"]);
    assert!(actual["money"].is_null(), "{later}");
    assert!(
        actual["unknown"].to_string().contains("away has no price"),
        "{actual}"
    );
}

/// By the tariffs of both profiles, and by the model of the radio.
fn billed(side: &Value) {
    let legs = side["legs"].as_array().unwrap();
    assert_eq!(legs.len(), 2, "{side}");
    for (leg, tariff, iccid, micros) in [
        (&legs[0], "home", BOOTSTRAP, 50_000),
        (&legs[1], "away", ICCID, 2_000_000),
    ] {
        assert_eq!(
            (&leg["tariff"], &leg["iccid"]),
            (&tariff.into(), &iccid.into())
        );
        let parts = ["from_device", "to_device", "overhead"].map(|part| number(&leg[part]));
        let octets: u64 = parts.iter().sum();
        let billed = match tariff {
            "home" => octets.div_ceil(1000) * 1000,
            _ => octets,
        };
        assert_eq!(number(&leg["billed"]), billed);
        let amount = leg["amount"].as_str().unwrap().split(' ').next().unwrap();
        let amount: f64 = amount.parse().unwrap();
        let expected = (billed * micros).div_ceil(1_000_000);
        assert!((amount * 1e6 - expected as f64).abs() < 0.5, "{leg}");
    }
    assert_eq!(legs[1]["included"], 5_000_000);
    let money = side["money"].as_array().unwrap();
    assert!(money[0].as_str().unwrap().ends_with(" EUR"), "{side}");
    assert!(money[1].as_str().unwrap().ends_with(" CHF"), "{side}");
    let contacts = number(&side["contacts"]);
    assert_eq!(number(&side["energy_mj"]) / 3_000, contacts, "{side}");
    assert!(side.get("unknown").is_none(), "{side}");
}

#[test]
fn operations_are_counted_and_priced() {
    counts_and_prices(Server::start("price", &[]));
}

#[test]
fn operations_are_counted_and_priced_on_postgres() {
    let Some(url) = postgres::database("price") else {
        return;
    };
    let folder = support::Folder::new("price-pg");
    support::run_in(&folder.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    let mut program = simurgh();
    program.env("SIMURGH__STORE__URL", url);
    counts_and_prices(Server::started_by(program, folder, &[]));
}

/// A profile in the stock of the SM-DP+, and a pool that orders it.
fn stock(server: &Server) {
    let table = server.folder().join("subscriptions.csv");
    let key = "00".repeat(16);
    let text = format!("iccid,imsi,k,opc\n{ICCID},999700000000001,{key},{key}\n");
    std::fs::write(&table, text).unwrap();
    let table = table.to_str().unwrap();
    let stock = ["profile", "stock", "operational", "--provider", "Example"];
    let output = server.run(&[&stock[..], &["--subscriptions", table]].concat());
    assert!(output.status.success(), "{output:?}");
    server.json(&["pool", "set", "meters"]);
    server.json(&["code", "order", "meters", "--type", "operational"]);
}

/// The device goes to the SM-DP+ by itself: the eIM counts its part and says so.
#[test]
fn a_direct_download_is_counted_as_far_as_the_eim_sees_it() {
    let mut site = Site::new("price-direct", &[BOOTSTRAP]);
    stock(&site.server);
    let eid = site.device.eid().to_string();
    let download = ["profile", "download", &eid, "--pool", "meters"];
    // An imported code says nothing of its package until somebody does.
    let before = site.server.json(&[&download[..], &["--price"]].concat());
    assert!(before["octets"].is_null(), "{before}");
    assert!(
        before["unknown"].to_string().contains("profile package"),
        "{before}"
    );
    site.server
        .json(&["pool", "set", "meters", "--package-octets", "20000"]);
    let before = site.server.json(&[&download[..], &["--price"]].concat());
    assert!(number(&before["to_device"]) > 20_000, "{before}");

    let id = ordered(&site.server, &download);
    let price = done(&mut site, std::slice::from_ref(&id)).remove(0);
    assert_eq!(
        octets_of(&price["actual"]),
        counted(&site, of_downloads),
        "{price}"
    );
    let unknown = price["actual"]["unknown"].to_string();
    assert!(unknown.contains("without the eIM"), "{unknown}");
    assert!(price["actual"]["octets"].is_null(), "{price}");
    // For people.
    let table = site.server.run(&["operation", "list"]).stdout;
    assert!(
        !String::from_utf8(table).unwrap().contains("COST"),
        "lists have no prices"
    );
    let shown = site.server.run(&["operation", "show", &id]).stdout;
    let shown = String::from_utf8(shown).unwrap();
    let cost = shown.lines().find(|line| line.starts_with("COST")).unwrap();
    assert!(cost.contains("octets and what is not known"), "{shown}");
    assert!(shown.contains("EXPECTED"), "{shown}");
}

/// The eIM relays: the functions with the package are in it.
#[test]
fn a_relayed_download_is_counted_whole() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let listen = format!("smdp.listen=127.0.0.1:{port}");
    let server = Server::prepared("price-relayed", &["--set", &listen], |folder| {
        let file = folder.join("simurgh.toml");
        let config = std::fs::read_to_string(&file).unwrap();
        let resolve = format!("\n[resolve]\n\"{SMDP}\" = \"127.0.0.1:{port}\"\n");
        std::fs::write(&file, config + &resolve).unwrap();
    });
    stock(&server);
    let ask = |_: usize, arguments: &[&str]| server.json(arguments);
    let relayed = |config: Config| Config {
        features: IpaFeatures {
            direct: false,
            indirect: true,
            ..config.features
        },
        ..config
    };
    let devices = Fielded::configured(server.folder(), 1, &[BOOTSTRAP], ask, relayed);
    let smdp = server.address("smdp");
    let mut site = Site::with(server, devices.into_iter().next().unwrap(), smdp);
    let eid = site.device.eid().to_string();
    let code = site.server.json(&["code", "list", "meters"]);
    assert_eq!(code["items"][0]["iccid"], ICCID);
    let template = rsp_core::profile::template().len().to_string();
    site.server
        .json(&["pool", "set", "meters", "--package-octets", &template]);
    let id = ordered(
        &site.server,
        &["profile", "download", &eid, "--pool", "meters"],
    );
    let price = done(&mut site, &[id]).remove(0);
    near(&price);
    let counted = counted(&site, of_downloads);
    assert_eq!(octets_of(&price["actual"]), counted, "{price}");
    assert!(counted.1 > 2_000 && counted.2 >= 5, "{counted:?}");
    assert!(
        price["actual"]
            .get("unknown")
            .is_none_or(|unknown| { !unknown.to_string().contains("without the eIM") }),
        "{price}"
    );
    assert_eq!(
        site.exchanged
            .iter()
            .filter(|(to, ..)| to.starts_with(SMDP))
            .count(),
        0
    );
}

/// A device without a key of its eUICC is asked for certificates. It polls twice: the
/// same package goes twice, in one contact.
fn polls_are_counted(server: &Server, transport: &str, post: impl Fn() -> (u64, u64)) {
    let id = ordered(server, &["device", "rat", EID]);
    let (first, again) = (post(), post());
    assert!(first.1 > 20, "{first:?}");
    let question = server.json(&["operation", "show", &format!("{id}-certificates")]);
    let actual = &question["price"]["actual"];
    assert_eq!(
        octets_of(actual),
        (first.0 + again.0, first.1 + again.1, 2),
        "{question}"
    );
    assert_eq!(
        (&actual["contacts"], &actual["together"]),
        (&1.into(), &1.into())
    );
    assert_eq!(actual["legs"][0]["transport"], transport);
    // Of what was not sent nothing is said, but what is expected.
    let waits = server.json(&["operation", "show", &id]);
    assert!(waits["price"]["actual"].is_null(), "{waits}");
    assert!(waits["price"]["estimated"].is_object(), "{waits}");
}

#[test]
fn json_is_counted_as_it_is_written() {
    let server = Server::start("price-json", &[]);
    server.json(&["device", "add", EID]);
    let ca = std::fs::read_to_string(server.folder().join("pki/ci.pem")).unwrap();
    let trust = TlsTrust::Certificate(certificate_from_pem(&ca).unwrap());
    let client = Client::builder().resolve(EIM, server.address("eim"));
    let client = client.build(Arc::new(SoftwareProvider)).unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let body = json!({ "eidValue": EID }).to_string();
    polls_are_counted(&server, "https", || {
        let at = rsp_core::ipa::Server {
            address: EIM.to_string(),
            trust: Some(trust.clone()),
            transport: Transport::Https,
        };
        let request = HttpRequest {
            path: "/gsma/rsp2/esipa/getEimPackage".to_string(),
            content_type: "application/json;charset=UTF-8".to_string(),
            admin_protocol: Some("gsma/rsp/v2.4.0".to_string()),
            user_agent: None,
            body: body.clone().into_bytes(),
        };
        let response = runtime.block_on(client.post(&at, request)).unwrap();
        (body.len() as u64, response.body.len() as u64)
    });
}

#[test]
fn coap_is_counted_by_itself() {
    let server = Server::start("price-coap", &["--set", "eim.coap.listen=127.0.0.1:0"]);
    server.json(&["device", "add", EID]);
    let made = server.json(&["device", "psk", EID]);
    let key = made["key"].as_str().unwrap();
    let octet = |at: usize| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).unwrap();
    let credentials = Credentials::Psk {
        identity: made["identity"].as_str().unwrap().into(),
        key: (0..key.len() / 2).map(octet).collect::<Vec<u8>>().into(),
    };
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let client = CoapClient::new(Arc::new(SoftwareProvider));
    let client = client.resolve(EIM, server.address("coap"));
    let poll = GetEimPackageRequest {
        eid_value: EID.parse().unwrap(),
        notify_state_change: None,
        state_change_cause: None,
        r_plmn: None,
        extensions: rsp_asn1::Extensions::default(),
    };
    let request = HttpRequest {
        path: esipa_asn1::PATH.to_string(),
        content_type: esipa_asn1::CONTENT_TYPE.to_string(),
        admin_protocol: None,
        user_agent: None,
        body: poll.to_der(),
    };
    polls_are_counted(&server, "coaps", || {
        let posted = client.post(EIM, &credentials, request.clone());
        let response = runtime.block_on(posted).unwrap();
        (request.body.len() as u64, response.body.len() as u64)
    });
}
