//! Packages that the eIM signs: EIM-30 to -32, -67, -68.

use rsp_asn1::Asn1;
use rsp_asn1::sgp32::{EimConfigurationData, EimPublicKeyData};
use rsp_asn1::{Tag, Writer};
use rsp_crypto::PublicKey;
use serde_json::json;

use super::bench::{Bench, P1};
use super::device::Package;
use super::orders::{Settled, exchanged};
use crate::conform::case::{Case, Check, Stop, case, ensure, fail, skip, some};
use crate::conform::der::{Leaf, hex, verify};

pub(super) const CASES: &[Case<Bench>] = &[
    case("EIM-30", "eimSignature without association token", |b| {
        signature(b, None)
    }),
    case(
        "EIM-31",
        "eimSignature with association tokens 5 and 300",
        |b| {
            signature(b, Some(5))?;
            signature(b, Some(300))
        },
    ),
    case("EIM-32", "counterValue rises", counter),
    case(
        "EIM-67",
        "the token of an eIM that was added",
        token_of_another,
    ),
    case("EIM-68", "the eIM deletes itself", |b| {
        let order = json!({"kind": "delete_eim", "eim_id": own_id(b)?});
        exchanged(b, order, "890102", &|found| {
            ensure(
                found.starts_with("A9"),
                &format!("{found}: the eCO is deleteEim"),
            )
        })
    }),
];

/// What the eIM says of itself.
pub(super) fn configuration(bench: &mut Bench) -> Check<EimConfigurationData> {
    match bench.orders.configuration().map_err(Stop::Failed)? {
        Some(octets) => Ok(EimConfigurationData::from_der(&octets)?),
        None => skip("nobody says what the eIM's EimConfigurationData is"),
    }
}

fn own_id(bench: &mut Bench) -> Check<String> {
    Ok(configuration(bench)?.eim_id.to_string())
}

/// The key of its signatures.
fn eim_key(bench: &mut Bench) -> Check<PublicKey> {
    match some(
        "eimPublicKeyData",
        configuration(bench)?.eim_public_key_data,
    )? {
        EimPublicKeyData::PublicKey(key) => Ok(PublicKey::from_spki_der(key.as_bytes())?),
        EimPublicKeyData::Certificate(certificate) => Ok(Leaf::read(&certificate)?.key),
    }
}

fn verified(key: &PublicKey, package: &Package, token: Option<i64>) -> Check {
    let mut object = Writer::new();
    token
        .unwrap_or(0)
        .encode_tagged(Tag::new(0x84), &mut object);
    let signed = package.request.euicc_package_signed.as_bytes();
    let signature = &package.request.eim_signature;
    verify(
        "eimSignature",
        key,
        &[signed, &object.into_bytes()],
        signature,
    )
}

fn signature(bench: &mut Bench, token: Option<i64>) -> Check {
    let key = eim_key(bench)?;
    let device = bench.certified_device(token)?;
    bench.place(&device, json!({"kind": "enable", "iccid": P1}))?;
    let package = bench.package(&device)?;
    verified(&key, &package, token)?;
    let signed = &package.request.euicc_package_signed;
    ensure(signed.eid_value == device.eid, "the EID is the device's")?;
    ensure(
        signed.counter_value > 0,
        "the counter is above the configured one",
    )
}

fn counter(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    let mut last = 0;
    for number in 7..10 {
        bench.place(&device, json!({"kind": "enable", "iccid": P1}))?;
        let package = bench.package(&device)?;
        if package.counter() <= last {
            return fail(format!("counter {} after {last}", package.counter()));
        }
        last = package.counter();
        bench.provided(&device, &device.result(&package, &hex("830100"), number)?)?;
    }
    Ok(())
}

fn token_of_another(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    let key = bench.key()?;
    let data = super::device::eim_configuration("other1", &key)?.to_der();
    let data = crate::conform::der::shown(&data);
    let order = json!({"kind": "add_eim", "eim_configuration_data": data});
    let id = bench.place(&device, order)?;
    let package = bench.package(&device)?;
    bench.provided(&device, &device.result(&package, &hex("A80484020BB8"), 7)?)?;
    bench.settled(&device, &id, Settled::Success)?;
    let outcome = bench.outcome(&device, &id)?;
    ensure(
        outcome.shown.contains("3000"),
        "the outcome tells the token, 3000",
    )
}
