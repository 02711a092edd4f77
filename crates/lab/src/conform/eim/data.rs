//! IpaEuiccDataRequest: EIM-17, -18, -66, -71, -72.

use rsp_asn1::sgp32::{GetEimPackageResponse, IpaEuiccDataRequest};
use serde_json::json;

use super::bench::Bench;
use super::device::{Device, transaction};
use super::orders::Settled;
use crate::conform::case::{Case, Check, case, ensure, fail, skip};
use crate::conform::der::{hex, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case("EIM-17", "an order of data", ordered),
    case("EIM-18", "an order of data that the IPA refuses", refused),
    case("EIM-66", "tags that may not be asked for", wrong_tags),
    case(
        "EIM-71",
        "certificates that the eIM learns are verified",
        learnt,
    ),
    case("EIM-72", "a certificate of another eUICC", others),
];

/// The request for data that must come.
fn request(bench: &mut Bench, device: &Device) -> Check<IpaEuiccDataRequest> {
    match bench.poll_beyond_certificates(device)? {
        GetEimPackageResponse::IpaEuiccDataRequest(request) => Ok(request),
        other => fail(format!("GetEimPackage is answered with {other:?}")),
    }
}

/// A device with an order of data, and the request of it.
fn asked(bench: &mut Bench) -> Check<(Device, String, IpaEuiccDataRequest)> {
    let device = bench.certified_device(None)?;
    // The tags of v1.2; v1.0 wrote some of them otherwise.
    let order = json!({"kind": "ipa_euicc_data", "tags": "81BF20BF228384A5A6A8A9"});
    let id = bench.place(&device, order)?;
    let request = request(bench, &device)?;
    Ok((device, id, request))
}

fn ordered(bench: &mut Bench) -> Check {
    let (device, id, request) = asked(bench)?;
    ensure(
        request.eim_transaction_id.is_some(),
        "an eimTransactionId is there",
    )?;
    ensure(
        !request.tag_list.contains(&0x5A),
        "the EID is not asked for",
    )?;
    bench.provided(&device, &device.certificates(&request))?;
    bench.settled(&device, &id, Settled::Success)
}

fn refused(bench: &mut Bench) -> Check {
    let (device, id, request) = asked(bench)?;
    let mut error = transaction(&request.eim_transaction_id);
    if let Some(first) = error.first_mut() {
        *first = 0x80;
    }
    error.extend(hex("02017F"));
    bench.provided(&device, &tlv(0xBF52, &tlv(0xA1, &error)))?;
    bench.settled(&device, &id, Settled::Failed)
}

fn wrong_tags(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    let good = json!({"kind": "ipa_euicc_data", "tags": "BF20"});
    bench.place(&device, good)?;
    for tags in ["5A", "BF2D"] {
        let order = super::Order(json!({"kind": "ipa_euicc_data", "tags": tags}));
        let placed = bench.orders.place(&device.eid.to_string(), &order);
        ensure(placed.is_err(), &format!("an order of {tags} is refused"))?;
    }
    Ok(())
}

/// Skips the case for an eIM that does not ask for certificates by itself.
fn first_request(bench: &mut Bench, device: &Device) -> Check<IpaEuiccDataRequest> {
    bench.place(device, json!({"kind": "list_profile_info"}))?;
    match bench.poll(device)? {
        GetEimPackageResponse::IpaEuiccDataRequest(request) if request.tag_list.contains(&0xA6) => {
            Ok(request)
        }
        _ => skip("the eIM does not ask for certificates by itself"),
    }
}

fn learnt(bench: &mut Bench) -> Check {
    let device = bench.device(None)?;
    let request = first_request(bench, &device)?;
    bench.provided(&device, &device.certificates(&request))?;
    bench.package(&device).map(drop)
}

fn others(bench: &mut Bench) -> Check {
    let (device, other) = (bench.device(None)?, bench.stranger(None)?);
    let request = first_request(bench, &device)?;
    let eid = tlv(0x5A, device.eid.as_bytes());
    let message = tlv(0xBF50, &[eid, other.certificates(&request)].concat());
    bench.esipa(&message)?;
    // Whatever it answered: a result under that key must not be believed.
    let id = bench.place(
        &device,
        json!({"kind": "enable", "iccid": super::bench::P1}),
    )?;
    if let Some(package) = bench.until_package(&device)? {
        let impostor = Device {
            eid: device.eid,
            ..other
        };
        let result = impostor.result(&package, &hex("830100"), 7)?;
        let eid = tlv(0x5A, device.eid.as_bytes());
        bench.esipa(&tlv(0xBF50, &[eid, result].concat()))?;
    }
    let outcome = bench.outcome(&device, &id)?;
    ensure(
        outcome.settled != Settled::Success,
        "a result under another eUICC's key is not believed",
    )
}
