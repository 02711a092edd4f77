//! GetEimPackage: EIM-19, -33 to -37.

use rsp_asn1::sgp32::GetEimPackageResponse;
use serde_json::json;

use super::bench::{Bench, P1};
use crate::conform::case::{Case, Check, Stop, case, ensure, one_of, same};
use crate::conform::der::{hex, same_octets, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case("EIM-19", "a change of state is reported", state_change),
    case("EIM-33", "nothing waits", nothing),
    case("EIM-34", "an EID that the eIM does not know", unknown),
    case("EIM-35", "an EID of 15 octets", short),
    case("EIM-36", "no EID", missing),
    case(
        "EIM-37",
        "a package that was not answered comes again",
        again,
    ),
];

fn state_change(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    bench.poll_with(&device, &hex("8000810106"))?;
    let causes = bench.orders.causes(&device.eid.to_string());
    let causes = causes.map_err(Stop::Skipped)?;
    same("the causes that the eIM knows", causes, vec![6])
}

fn nothing(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    let answer = bench.poll_with(&device, &[])?;
    same_octets("the answer", &answer, "BF4F03020101")
}

fn unknown(bench: &mut Bench) -> Check {
    let device = bench.stranger(None)?;
    let answer = bench.poll_with(&device, &[])?;
    same_octets("the answer", &answer, "BF4F03020102")
}

fn short(bench: &mut Bench) -> Check {
    let reply = bench.esipa(&tlv(0xBF4F, &tlv(0x5A, &[0x89; 15])))?;
    match reply.status {
        200 => same_octets("the answer", &reply.body, "BF4F03020103"),
        status => same("the HTTP status", status, 400),
    }
}

fn missing(bench: &mut Bench) -> Check {
    let reply = bench.esipa(&hex("BF4F00"))?;
    match reply.status {
        200 => same_octets("the answer", &reply.body, "BF4F03020104"),
        status => one_of("the HTTP status", &status, &[400]),
    }
}

fn again(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    bench.place(&device, json!({"kind": "enable", "iccid": P1}))?;
    let (first, second) = (bench.package(&device)?, bench.package(&device)?);
    ensure(first.octets == second.octets, "the same octets come again")?;
    bench.provided(&device, &device.result(&first, &hex("830100"), 7)?)?;
    let left = bench.poll(&device)?;
    let done = matches!(&left, GetEimPackageResponse::EimPackageError(error) if error.0 == 1);
    ensure(
        done || !matches!(left, GetEimPackageResponse::EuiccPackageRequest(ref p)
        if p.as_bytes() == first.octets),
        "an answered package does not come again",
    )
}
