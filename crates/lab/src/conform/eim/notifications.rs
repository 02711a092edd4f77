//! HandleNotification: EIM-48 to -50.

use rsp_asn1::rsp::{NotificationMetadata, OtherSignedNotification};
use rsp_asn1::sgp32::ProvideEimPackageResultResponse;
use rsp_asn1::{Asn1, BitString, Extensions, Signed};
use rsp_crypto::SigningKey;
use serde_json::json;

use super::bench::{Bench, P1};
use super::device::Device;
use crate::conform::case::{Case, Check, absent, case, ensure, one_of, same};
use crate::conform::der::{hex, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case(
        "EIM-48",
        "notifications with a result are taken over",
        with_result,
    ),
    absent(
        "EIM-49",
        "compact notifications",
        "needs an IPA that announces minimizeEsipaBytes and leaves out what can be rebuilt; held by \
         crates/lab/tests/indirect/compact.rs",
    ),
    case("EIM-50", "HandleNotification has no body", handled),
];

/// An enable notification, signed.
fn notification(device: &Device, number: i64) -> Check<Vec<u8>> {
    let tbs = Signed::new(NotificationMetadata {
        seq_number: number,
        profile_management_operation: BitString::of(&[1]),
        notification_address: "smdp.invalid".into(),
        iccid: Some(P1.parse()?),
        extensions: Extensions::default(),
    });
    let signature = device.key.sign(&[tbs.as_bytes()])?;
    let notification = OtherSignedNotification {
        euicc_notification_signature: signature.as_bytes().to_vec(),
        tbs_other_notification: tbs,
        euicc_certificate: device.certificate.clone(),
        eum_certificate: device.eum.clone(),
        extensions: Extensions::default(),
    };
    Ok(notification.to_der())
}

fn with_result(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    bench.place(&device, json!({"kind": "enable", "iccid": P1}))?;
    let package = bench.package(&device)?;
    let result = device.result(&package, &hex("830100"), 7)?;
    let list = tlv(0xA0, &notification(&device, 8)?);
    let both = tlv(0x30, &[result, list].concat());
    match bench.provided(&device, &both)? {
        ProvideEimPackageResultResponse::EimAcknowledgements(list) => {
            for number in &list.0 {
                one_of("a number acknowledged", number, &[7, 8])?;
            }
            ensure(list.0.contains(&7), "the result is acknowledged")
        }
        ProvideEimPackageResultResponse::EmptyResponse(_) => Ok(()),
        other => crate::conform::case::fail(format!("answered with {other:?}")),
    }
}

fn handled(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    let message = tlv(0xBF3D, &tlv(0xA0, &notification(&device, 9)?));
    let reply = bench.esipa(&message)?;
    one_of("the HTTP status", &reply.status, &[204, 200])?;
    same("octets in the body", reply.body.len(), 0)
}
