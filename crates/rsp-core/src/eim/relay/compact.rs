//! What an IPA that minimises bytes leaves out, put back before anybody
//! verifies a signature over it (SGP.32 5.14.2, 5.14.3, 5.14.7, 5.14.8).

use rsp_asn1::rsp::{
    AuthenticateResponseOk, AuthenticateServerResponse, CancelSessionReason, CancelSessionResponse,
    CancelSessionResponseOk, CtxParams1, EuiccCancelSessionSigned, EuiccInfo2, EuiccSigned1,
    EuiccSigned2, FinalResult, NOTIFICATION_INSTALL, NotificationEvent, NotificationMetadata,
    OtherSignedNotification, PendingNotification, PrepareDownloadResponse,
    PrepareDownloadResponseOk, ProfileInstallationResult, ProfileInstallationResultData,
    ServerSigned1, SmdpSigned2, StoreMetadataRequest, SuccessResult,
};
use rsp_asn1::sgp32::{
    CompactAuthenticateResponseOk, CompactCancelSessionResponseOk, CompactEuiccSigned1,
    CompactFinalResult, CompactOtherSignedNotification, CompactPrepareDownloadResponseOk,
    CompactProfileInstallationResult, CompactSignedData, SIMA_RESPONSE_OK,
};
use rsp_asn1::{Asn1, Signed};

use super::{Refused, RelaySession};
use crate::binding::esipa::Function;
use crate::eim::EuiccRecord;

/// AID of an ISD-P but for octets 14 and 15 (SGP.02 annex H).
const ISD_P: [u8; 16] = [
    0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x00, 0x00,
];

impl RelaySession {
    /// AuthenticateServerResponse as the eUICC gave it.
    pub(super) fn whole_authenticate_response(
        &self,
        record: &EuiccRecord,
        response: &AuthenticateServerResponse,
    ) -> Result<AuthenticateServerResponse, Refused> {
        let AuthenticateServerResponse::CompactOk(compact) = response else {
            return Ok(response.clone());
        };
        let whole = self.whole_authenticate_ok(record, compact);
        let because = "what the compact AuthenticateServerResponse leaves out is not known";
        let whole = whole.ok_or_else(|| Refused::undefined(Function::AuthenticateClient, because));
        whole.map(AuthenticateServerResponse::Ok)
    }

    fn whole_authenticate_ok(
        &self,
        record: &EuiccRecord,
        compact: &CompactAuthenticateResponseOk,
    ) -> Option<AuthenticateResponseOk> {
        let euicc_signed1 = match &compact.signed_data {
            CompactSignedData::EuiccSigned1(whole) => whole.clone(),
            CompactSignedData::CompactEuiccSigned1(compact) => {
                Signed::new(self.euicc_signed1(record, compact)?)
            }
        };
        let (eum_certificate, euicc_certificate) =
            match (&compact.eum_certificate, &compact.euicc_certificate) {
                (Some(eum), Some(euicc)) => (eum.clone(), euicc.clone()),
                _ => record.facts.certificates()?,
            };
        Some(AuthenticateResponseOk {
            euicc_signed1,
            euicc_signature1: compact.euicc_signature1.clone(),
            euicc_certificate,
            eum_certificate,
            extensions: Default::default(),
        })
    }

    /// `euiccSigned1`: what the SM-DP+ sent is in the session, and what the
    /// eUICC is, but for its free memory, is known.
    fn euicc_signed1(
        &self,
        record: &EuiccRecord,
        compact: &CompactEuiccSigned1,
    ) -> Option<EuiccSigned1> {
        let server = ServerSigned1::from_der(&self.server_signed1).ok()?;
        let made = || CtxParams1::from_der(self.ctx_params1.as_ref()?).ok();
        Some(EuiccSigned1 {
            transaction_id: server.transaction_id,
            server_address: server.server_address,
            server_challenge: server.server_challenge,
            euicc_info2: EuiccInfo2 {
                ext_card_resource: compact.ext_card_resource.clone(),
                ..record.facts.euicc_info2()?
            },
            ctx_params1: compact.ctx_params1.clone().or_else(made)?,
            extensions: Default::default(),
        })
    }

    /// PrepareDownloadResponse as the eUICC gave it.
    pub(super) fn whole_prepare_response(
        &self,
        response: &PrepareDownloadResponse,
    ) -> Result<PrepareDownloadResponse, Refused> {
        let PrepareDownloadResponse::CompactOk(compact) = response else {
            return Ok(response.clone());
        };
        let because = "what the compact PrepareDownloadResponse leaves out is not known";
        let whole = self.whole_prepare_ok(compact);
        let whole =
            whole.ok_or_else(|| Refused::undefined(Function::GetBoundProfilePackage, because));
        whole.map(PrepareDownloadResponse::Ok)
    }

    fn whole_prepare_ok(
        &self,
        compact: &CompactPrepareDownloadResponseOk,
    ) -> Option<PrepareDownloadResponseOk> {
        let offered = self.offered()?;
        let signed = &compact.compact_euicc_signed2;
        let smdp_signed2 = SmdpSigned2::from_der(&offered.smdp_signed2).ok()?;
        let own = signed.euicc_otpk.clone();
        Some(PrepareDownloadResponseOk {
            euicc_signed2: Signed::new(EuiccSigned2 {
                transaction_id: self.transaction_id.clone(),
                euicc_otpk: own.or(smdp_signed2.bpp_euicc_otpk)?,
                hash_cc: signed.hash_cc.or(offered.hash_cc),
                extensions: Default::default(),
            }),
            euicc_signature2: compact.euicc_signature2.clone(),
            extensions: Default::default(),
        })
    }

    /// CancelSessionResponse as the eUICC gave it.
    pub(super) fn whole_cancel_response(
        &self,
        response: &CancelSessionResponse,
    ) -> Result<CancelSessionResponse, Refused> {
        let CancelSessionResponse::CompactOk(compact) = response else {
            return Ok(response.clone());
        };
        let because = "the OID of the SM-DP+ is not known";
        let whole = self.whole_cancel_ok(compact);
        let whole = whole.ok_or_else(|| Refused::undefined(Function::CancelSession, because));
        whole.map(CancelSessionResponse::Ok)
    }

    fn whole_cancel_ok(
        &self,
        compact: &CompactCancelSessionResponseOk,
    ) -> Option<CancelSessionResponseOk> {
        let reason = compact.compact_euicc_cancel_session_signed.reason;
        Some(CancelSessionResponseOk {
            euicc_cancel_session_signed: Signed::new(EuiccCancelSessionSigned {
                transaction_id: self.transaction_id.clone(),
                smdp_oid: self.smdp_oid.clone()?,
                reason: reason.unwrap_or(CancelSessionReason::UNDEFINED_REASON),
                extensions: Default::default(),
            }),
            euicc_cancel_session_signature: compact.euicc_cancel_session_signature.clone(),
            extensions: Default::default(),
        })
    }

    /// The installation result as the eUICC gave it; `None` if something that
    /// is left out is not known.
    pub fn whole_installation_result(
        &self,
        compact: &CompactProfileInstallationResult,
    ) -> Option<PendingNotification> {
        let data = &compact.compact_profile_installation_result_data;
        let server = ServerSigned1::from_der(&self.server_signed1).ok()?;
        let metadata = &self.offered()?.profile_metadata;
        let metadata = StoreMetadataRequest::from_der(metadata).ok()?;
        let final_result = match &data.compact_final_result {
            CompactFinalResult::Success(success) => {
                let [fourteenth, fifteenth] = success.compact_aid;
                let mut aid = ISD_P;
                let [.., a, b, _] = &mut aid;
                (*a, *b) = (fourteenth, fifteenth);
                let sima_response = success.sima_response.clone();
                FinalResult::Success(SuccessResult {
                    aid: aid.to_vec(),
                    sima_response: sima_response.unwrap_or_else(|| SIMA_RESPONSE_OK.to_vec()),
                    extensions: Default::default(),
                })
            }
            CompactFinalResult::Error(error) => FinalResult::Error(error.clone()),
        };
        let result = ProfileInstallationResult {
            profile_installation_result_data: Signed::new(ProfileInstallationResultData {
                transaction_id: self.transaction_id.clone(),
                notification_metadata: NotificationMetadata {
                    seq_number: data.seq_number,
                    profile_management_operation: NotificationEvent::of(&[NOTIFICATION_INSTALL]),
                    notification_address: server.server_address,
                    iccid: data.iccid_present.then_some(metadata.iccid),
                    extensions: Default::default(),
                },
                smdp_oid: self.smdp_oid.clone()?,
                final_result,
                extensions: Default::default(),
            }),
            euicc_sign_pir: compact.euicc_sign_pir.clone(),
            extensions: Default::default(),
        };
        let result = Signed::new(result);
        Some(PendingNotification::ProfileInstallationResult(result))
    }
}

impl EuiccRecord {
    /// A notification with the certificates that were left out; `None` if they
    /// are not known.
    pub fn whole_notification(
        &self,
        compact: &CompactOtherSignedNotification,
    ) -> Option<PendingNotification> {
        let (eum_certificate, euicc_certificate) = self.facts.certificates()?;
        let whole = Signed::new(OtherSignedNotification {
            tbs_other_notification: compact.tbs_other_notification.clone(),
            euicc_notification_signature: compact.euicc_notification_signature.clone(),
            euicc_certificate,
            eum_certificate,
            extensions: Default::default(),
        });
        Some(PendingNotification::Other(whole))
    }
}
