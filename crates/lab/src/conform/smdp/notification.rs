//! ES9+.HandleNotification: SGP.23 4.3.15.2.1.

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    BppCommandId, ErrorReason, ErrorResult, FinalResult, NotificationMetadata,
    OtherSignedNotification, ProfileInstallationResult, ProfileInstallationResultData,
    SuccessResult,
};
use rsp_asn1::{Asn1, BitString, Extensions, Oid, Signed};
use serde_json::json;

use super::bench::{Bench, Order};
use super::cancel::registered_id;
use super::euicc::Euicc;
use super::http::base64;
use crate::conform::Certificates;
use crate::conform::case::{Case, Check, case, ensure, same};

pub(super) const CASES: &[Case<Bench>] = &[
    case("4.3.15.2.1-01", "a profile was installed", success),
    case("4.3.15.2.1-02", "another notification", other),
    case(
        "4.3.15.2.1-03",
        "each reason of a failed installation",
        failures,
    ),
    case("4.3.15.2.1-04", "a transactionId that is unknown", unknown),
];

/// A ProfileInstallationResult.
fn result(
    bench: &Bench,
    euicc: &Euicc,
    id: &TransactionId,
    oid: &Oid,
    iccid: &str,
    final_result: FinalResult,
) -> Check<Vec<u8>> {
    let data = Signed::new(ProfileInstallationResultData {
        transaction_id: id.clone(),
        notification_metadata: metadata(bench, 0, iccid)?,
        smdp_oid: oid.clone(),
        final_result,
        extensions: Extensions::default(),
    });
    let result = ProfileInstallationResult {
        euicc_sign_pir: euicc.sign(&data)?,
        profile_installation_result_data: data,
        extensions: Extensions::default(),
    };
    Ok(result.to_der())
}

fn metadata(bench: &Bench, event: u8, iccid: &str) -> Check<NotificationMetadata> {
    Ok(NotificationMetadata {
        seq_number: i64::from(event) + 1,
        profile_management_operation: BitString::of(&[event]),
        notification_address: bench.settings.address.clone(),
        iccid: Some(iccid.parse()?),
        extensions: Extensions::default(),
    })
}

fn installed() -> FinalResult {
    FinalResult::Success(SuccessResult {
        aid: crate::conform::der::hex("A0000005591010FFFFFFFF8900001100"),
        sima_response: crate::conform::der::hex("3007A0053003800100"),
        extensions: Extensions::default(),
    })
}

fn failed(reason: i64) -> FinalResult {
    FinalResult::Error(ErrorResult {
        bpp_command_id: BppCommandId(5),
        error_reason: ErrorReason(reason),
        sima_response: None,
        extensions: Extensions::default(),
    })
}

impl Bench {
    /// Delivers a notification, which is always taken.
    pub(super) fn notified(&mut self, notification: &[u8]) -> Check {
        let body = json!({ "pendingNotification": base64(notification) });
        let path = "/gsma/rsp2/es9plus/handleNotification";
        let reply = self.post(path, &body, Certificates::None)?;
        same("the HTTP status of handleNotification", reply.status, 204)?;
        ensure(reply.body.is_empty(), "the body is empty")
    }

    /// A download to its end; gives the transactionId.
    fn delivered(&mut self, euicc: &Euicc, matching_id: &str) -> Check<(TransactionId, Oid)> {
        let started = self.started(euicc)?;
        let oid = registered_id(started.certificate.as_bytes())?;
        let offered = self.offered(euicc, Some(matching_id))?;
        self.opened(euicc, &offered)?;
        Ok((offered.signed.transaction_id.clone(), oid))
    }

    /// A profile that is downloaded and reported as installed.
    pub(super) fn installed(&mut self, euicc: &Euicc, matching_id: &str) -> Check {
        let (id, oid) = self.delivered(euicc, matching_id)?;
        let iccid = "89000000000000001010";
        let notification = result(self, euicc, &id, &oid, iccid, installed())?;
        self.notified(&notification)
    }
}

pub(super) fn success(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let ordered = bench.order(&Order::default())?;
    let (id, oid) = bench.delivered(&euicc, &ordered.matching_id)?;
    let notification = result(bench, &euicc, &id, &oid, &ordered.iccid, installed())?;
    bench.notified(&notification)?;
    // The same once more, as after an answer that was lost.
    bench.notified(&notification)
}

fn other(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let ordered = bench.order(&Order::default())?;
    bench.installed(&euicc, &ordered.matching_id)?;
    for event in [1, 2, 3] {
        let tbs = Signed::new(metadata(bench, event, &ordered.iccid)?);
        let notification = OtherSignedNotification {
            euicc_notification_signature: euicc.sign(&tbs)?,
            tbs_other_notification: tbs,
            euicc_certificate: euicc.certificate.clone(),
            eum_certificate: euicc.eum.clone(),
            extensions: Extensions::default(),
        };
        bench.notified(&notification.to_der())?;
    }
    Ok(())
}

fn failures(bench: &mut Bench) -> Check {
    let reasons = (1..=15).chain([31, 32, 127]);
    for reason in reasons {
        let euicc = bench.euicc()?;
        let ordered = bench.order(&Order::default())?;
        let (id, oid) = bench.delivered(&euicc, &ordered.matching_id)?;
        let iccid = ordered.iccid.as_str();
        let notification = result(bench, &euicc, &id, &oid, iccid, failed(reason))?;
        bench.notified(&notification)?;
    }
    Ok(())
}

fn unknown(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let id = TransactionId::from_bytes(&[9; 8])?;
    let oid: Oid = "2.999.10".parse()?;
    let iccid = "89000000000000001010";
    let notification = result(bench, &euicc, &id, &oid, iccid, installed())?;
    bench.notified(&notification)
}
