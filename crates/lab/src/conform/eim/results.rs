//! ProvideEimPackageResult: EIM-38 to -47.

use rsp_asn1::sgp32::ProvideEimPackageResultResponse;
use serde_json::json;

use super::bench::{Bench, P1};
use super::device::{Device, Package, transaction};
use super::orders::Settled;
use crate::conform::case::{Case, Check, case, ensure, fail, same};
use crate::conform::der::{hex, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case("EIM-38", "a result with a wrong signature", forged),
    case("EIM-39", "a result with another counter", other_counter),
    case("EIM-40", "a result whose item failed", failed_item),
    case("EIM-41", "processingTerminated at the end", terminated),
    case("EIM-42", "signed errors", signed_errors),
    case("EIM-43", "an unsigned error", unsigned_error),
    case("EIM-44", "acknowledgements", acknowledged),
    case("EIM-45", "a result without notifications", bare),
    case("EIM-46", "eimPackageResultResponseError", response_error),
    case("EIM-47", "a rollback", rolled_back),
];

/// A device with a package that enables P1.
fn enabling(bench: &mut Bench) -> Check<(Device, String, Package)> {
    let device = bench.certified_device(None)?;
    let order = json!({"kind": "enable", "iccid": P1, "rollback": true});
    let id = bench.place(&device, order)?;
    let package = bench.package(&device)?;
    Ok((device, id, package))
}

/// Fails if the order counts as carried out, or numbers are acknowledged.
fn not_believed(
    bench: &mut Bench,
    device: &Device,
    id: &str,
    response: &ProvideEimPackageResultResponse,
) -> Check {
    if let ProvideEimPackageResultResponse::EimAcknowledgements(list) = response {
        same("numbers acknowledged", list.0.as_slice(), &[])?;
    }
    let outcome = bench.outcome(device, id)?;
    ensure(
        outcome.settled != Settled::Success,
        "the order does not count as carried out",
    )
}

fn forged(bench: &mut Bench) -> Check {
    let (device, id, package) = enabling(bench)?;
    let mut result = device.result(&package, &hex("830100"), 7)?;
    if let Some(last) = result.last_mut() {
        *last ^= 1;
    }
    let eid = tlv(0x5A, device.eid.as_bytes());
    let message = tlv(0xBF50, &[eid, result].concat());
    let reply = bench.esipa(&message)?;
    if reply.status == 200 {
        use rsp_asn1::Asn1;
        let response = ProvideEimPackageResultResponse::from_der(&reply.body)?;
        return not_believed(bench, &device, &id, &response);
    }
    ensure(reply.status < 500, "a forged result is no fault of the eIM")
}

fn other_counter(bench: &mut Bench) -> Check {
    let (device, id, package) = enabling(bench)?;
    let data = device.data(&package, package.counter() + 5, &hex("830100"), 7);
    let result = device.signed(0xA0, &data)?;
    bench.provided(&device, &result)?;
    let outcome = bench.outcome(&device, &id)?;
    ensure(
        outcome.settled != Settled::Success,
        "the order does not count as carried out",
    )
}

fn failed_item(bench: &mut Bench) -> Check {
    let (device, id, package) = enabling(bench)?;
    bench.provided(&device, &device.result(&package, &hex("830103"), 7)?)?;
    bench.settled(&device, &id, Settled::Failed)?;
    let outcome = bench.outcome(&device, &id)?;
    let told = ["3", "policy", "disallowedByPolicy"];
    ensure(
        told.iter().any(|word| outcome.shown.contains(word)),
        &format!("the outcome tells the code: {}", outcome.shown),
    )
}

fn terminated(bench: &mut Bench) -> Check {
    let (device, id, package) = enabling(bench)?;
    let result = device.result(&package, &hex("830101020102"), 7)?;
    bench.provided(&device, &result)?;
    bench.settled(&device, &id, Settled::Failed)
}

fn signed_errors(bench: &mut Bench) -> Check {
    for code in [3, 4, 6, 15, 104, 127] {
        let (device, id, package) = enabling(bench)?;
        bench.provided(&device, &device.error(&package, code)?)?;
        let outcome = bench.outcome(&device, &id)?;
        ensure(
            outcome.settled != Settled::Success,
            &format!("after the signed error {code} the order is not carried out"),
        )?;
    }
    Ok(())
}

fn unsigned_error(bench: &mut Bench) -> Check {
    let (device, id, package) = enabling(bench)?;
    let eim_id = package.request.euicc_package_signed.eim_id.to_string();
    let result = tlv(0xBF51, &tlv(0xA2, &tlv(0x80, eim_id.as_bytes())));
    bench.provided(&device, &result)?;
    let outcome = bench.outcome(&device, &id)?;
    ensure(
        outcome.settled != Settled::Success,
        "an unsigned error is no success",
    )
}

fn acknowledged(bench: &mut Bench) -> Check {
    let (device, _, package) = enabling(bench)?;
    let response = bench.provided(&device, &device.result(&package, &hex("830100"), 7)?)?;
    match response {
        ProvideEimPackageResultResponse::EimAcknowledgements(list) => {
            same("numbers acknowledged", list.0, vec![7])
        }
        ProvideEimPackageResultResponse::EmptyResponse(_) => Ok(()),
        other => fail(format!("the result is answered with {other:?}")),
    }
}

fn bare(bench: &mut Bench) -> Check {
    let (device, id, package) = enabling(bench)?;
    bench.provided(&device, &device.result(&package, &hex("830100"), 7)?)?;
    bench.settled(&device, &id, Settled::Success)
}

fn response_error(bench: &mut Bench) -> Check {
    let (device, id, package) = enabling(bench)?;
    let signed = &package.request.euicc_package_signed;
    let mut members = transaction(&signed.eim_transaction_id);
    if let Some(first) = members.first_mut() {
        *first = 0x80;
    }
    members.extend(hex("020101"));
    bench.provided(&device, &tlv(0xA0, &members))?;
    let outcome = bench.outcome(&device, &id)?;
    ensure(
        outcome.settled != Settled::Success,
        &format!("the order is not carried out: {}", outcome.shown),
    )
}

fn rolled_back(bench: &mut Bench) -> Check {
    let (device, id, package) = enabling(bench)?;
    bench.provided(&device, &device.result(&package, &hex("8C0100"), 8)?)?;
    bench.settled(&device, &id, Settled::RolledBack)
}
