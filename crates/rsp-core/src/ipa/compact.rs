//! What an IPA that minimises bytes leaves out of messages to its eIM, which
//! puts it back (SGP.32 5.14.2, 5.14.3, 5.14.7, 5.14.8). `None` where something
//! else is in a message than the eIM could know.

use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::{
    AuthenticateServerResponse, CancelSessionResponse, FinalResult, PendingNotification,
    PrepareDownloadResponse, SuccessResult,
};
use rsp_asn1::sgp32::{
    CompactAuthenticateResponseOk, CompactCancelSessionResponseOk, CompactEuiccCancelSessionSigned,
    CompactEuiccSigned1, CompactEuiccSigned2, CompactFinalResult, CompactOtherSignedNotification,
    CompactPrepareDownloadResponseOk, CompactProfileInstallationResult,
    CompactProfileInstallationResultData, CompactSignedData, CompactSuccessResult,
    SIMA_RESPONSE_OK,
};
use rsp_asn1::{Asn1, Extensions, Signed};

use super::download::Offered;

/// AID of an ISD-P before and after octets 14 and 15.
const ISD_P_BEGINS: [u8; 13] = [
    0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00,
];
const ISD_P_ENDS: u8 = 0x00;

/// Whether the bytes are what anybody would encode: they can be made again.
fn is_canonical<T: Asn1 + Clone>(signed: &Signed<T>) -> bool {
    Signed::new(signed.clone().into_value()).as_bytes() == signed.as_bytes()
}

pub(super) fn authenticate_response(
    response: &AuthenticateServerResponse,
    eim_made_params: bool,
) -> Option<AuthenticateServerResponse> {
    let AuthenticateServerResponse::Ok(ok) = response else {
        return None;
    };
    let signed = &ok.euicc_signed1;
    if !is_canonical(signed) || signed.extensions != Extensions::default() {
        return None;
    }
    let compact = CompactEuiccSigned1 {
        ext_card_resource: signed.euicc_info2.ext_card_resource.clone(),
        ctx_params1: (!eim_made_params).then(|| signed.ctx_params1.clone()),
        extensions: Extensions::default(),
    };
    let compact = CompactAuthenticateResponseOk {
        signed_data: CompactSignedData::CompactEuiccSigned1(compact),
        euicc_signature1: ok.euicc_signature1.clone(),
        euicc_certificate: None,
        eum_certificate: None,
        extensions: Extensions::default(),
    };
    Some(AuthenticateServerResponse::CompactOk(compact))
}

pub(super) fn prepare_response(
    response: &PrepareDownloadResponse,
    offered: &Offered,
) -> Option<PrepareDownloadResponse> {
    let PrepareDownloadResponse::Ok(ok) = response else {
        return None;
    };
    let signed = &ok.euicc_signed2;
    if !is_canonical(signed) || signed.extensions != Extensions::default() {
        return None;
    }
    let known = offered.smdp_signed2.bpp_euicc_otpk.as_ref();
    let otpk = Some(&signed.euicc_otpk).filter(|own| Some(*own) != known);
    let compact = CompactPrepareDownloadResponseOk {
        compact_euicc_signed2: CompactEuiccSigned2 {
            euicc_otpk: otpk.cloned(),
            hash_cc: signed.hash_cc.filter(|_| offered.hash_cc.is_none()),
            extensions: Extensions::default(),
        },
        euicc_signature2: ok.euicc_signature2.clone(),
        extensions: Extensions::default(),
    };
    Some(PrepareDownloadResponse::CompactOk(compact))
}

pub(super) fn cancel_response(response: &CancelSessionResponse) -> Option<CancelSessionResponse> {
    let CancelSessionResponse::Ok(ok) = response else {
        return None;
    };
    let signed = &ok.euicc_cancel_session_signed;
    if !is_canonical(signed) || signed.extensions != Extensions::default() {
        return None;
    }
    let compact = CompactCancelSessionResponseOk {
        compact_euicc_cancel_session_signed: CompactEuiccCancelSessionSigned {
            reason: Some(signed.reason),
            extensions: Extensions::default(),
        },
        euicc_cancel_session_signature: ok.euicc_cancel_session_signature.clone(),
        extensions: Extensions::default(),
    };
    Some(CancelSessionResponse::CompactOk(compact))
}

/// A notification for the eIM; `relayed` says that it knows the session in
/// which an installation result was made.
pub(super) fn notification(
    notification: &PendingNotification,
    eid: Eid,
    relayed: bool,
) -> Option<PendingNotification> {
    match notification {
        PendingNotification::ProfileInstallationResult(result) if relayed => {
            let data = &result.profile_installation_result_data;
            if !is_canonical(data) || data.extensions != Extensions::default() {
                return None;
            }
            let compact_final_result = match &data.final_result {
                FinalResult::Success(success) => CompactFinalResult::Success(success_of(success)?),
                FinalResult::Error(error) => CompactFinalResult::Error(error.clone()),
            };
            let compact = CompactProfileInstallationResult {
                compact_profile_installation_result_data: CompactProfileInstallationResultData {
                    transaction_id: data.transaction_id.clone(),
                    seq_number: data.notification_metadata.seq_number,
                    iccid_present: data.notification_metadata.iccid.is_some(),
                    compact_final_result,
                    extensions: Extensions::default(),
                },
                euicc_sign_pir: result.euicc_sign_pir.clone(),
                extensions: Extensions::default(),
            };
            Some(PendingNotification::CompactProfileInstallationResult(
                compact,
            ))
        }
        PendingNotification::Other(other) => {
            let compact = CompactOtherSignedNotification {
                eid_value: Some(eid),
                tbs_other_notification: other.tbs_other_notification.clone(),
                euicc_notification_signature: other.euicc_notification_signature.clone(),
                euicc_ci_pk_identifier_to_be_used: None,
                extensions: Extensions::default(),
            };
            Some(PendingNotification::CompactOther(compact))
        }
        _ => None,
    }
}

fn success_of(success: &SuccessResult) -> Option<CompactSuccessResult> {
    let middle = success.aid.strip_prefix(&ISD_P_BEGINS)?;
    let &[fourteenth, fifteenth, ISD_P_ENDS] = middle else {
        return None;
    };
    let sima_response = Some(&success.sima_response).filter(|said| **said != SIMA_RESPONSE_OK);
    Some(CompactSuccessResult {
        compact_aid: [fourteenth, fifteenth],
        sima_response: sima_response.cloned(),
        extensions: Extensions::default(),
    })
}
