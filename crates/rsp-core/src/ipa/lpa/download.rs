//! Profile download for the user of a device (SGP.22 3.1.2, 3.1.3). Who gives
//! the activation code agrees to the download; policy rules are shown to
//! nobody, so that a profile with some is not taken.

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    CancelSessionReason, CancelSessionRequest, CancelSessionResponse, FinalResult,
    PrepareDownloadRequest, PrepareDownloadResponse, ProfileInstallationResult,
};
use rsp_asn1::{Asn1, Extensions, Signed};

use super::{Answer, HashCc};
use crate::binding::{BindingError, es9plus_json as es9plus};
use crate::ipa::poll::Round;
use crate::ipa::{ActivationCode, Event, IpaError, Server, bound_profile_package};
use crate::pki::{ParsedCertificate, policy};

impl Round<'_> {
    /// Downloads and installs, and tells the SM-DP+ how it went.
    pub(super) async fn download_locally(
        &self,
        code: &ActivationCode,
        hash_cc: Option<&HashCc>,
    ) -> Result<Answer, IpaError> {
        if code.confirmation_code_required && hash_cc.is_none() {
            return Err(IpaError::Protocol("a confirmation code is needed"));
        }
        let smdp = self.smdp(&code.smdp_address);
        self.port.event(Event::DownloadStarted {
            smdp_address: smdp.address.clone(),
        });
        let started = self.initiate_discovery(&smdp).await?;
        let id = started.transaction_id.clone();
        let done = self.in_session(&smdp, started, code, hash_cc).await;
        let result = match done {
            Ok(result) => result,
            Err((error, reason)) => {
                // The server may be what failed.
                let _ = self.cancel_locally(&smdp, id, reason).await;
                return Err(error);
            }
        };
        let data = &result.profile_installation_result_data;
        let iccid = data.notification_metadata.iccid;
        let failed = match &data.final_result {
            FinalResult::Success(_) => None,
            FinalResult::Error(error) => Some(error.error_reason.0),
        };
        // What is not taken now stays on the eUICC, to be sent later.
        let _ = self.send(Some(data.notification_metadata.seq_number)).await;
        match failed {
            None => {
                self.port.event(Event::Installed { iccid });
                Ok(Answer::Installed(iccid))
            }
            Some(code) => Err(IpaError::CardRefused {
                command: "LoadBoundProfilePackage",
                code,
            }),
        }
    }

    async fn in_session(
        &self,
        smdp: &Server,
        started: es9plus::InitiateAuthenticationOk,
        code: &ActivationCode,
        hash_cc: Option<&HashCc>,
    ) -> Result<Signed<ProfileInstallationResult>, (IpaError, CancelSessionReason)> {
        use CancelSessionReason as Reason;
        let because = |otherwise| {
            move |error: IpaError| {
                let reason = reason_of(&error, otherwise);
                (error, reason)
            }
        };
        let undefined = because(Reason::UNDEFINED_REASON);
        check(&started, code).map_err(undefined)?;
        let id = started.transaction_id.clone();
        let matching_id = Some(code.matching_id.clone());
        let response = self.authenticate_server(started, matching_id).await;
        let request = es9plus::AuthenticateClientRequest {
            transaction_id: id.clone(),
            authenticate_server_response: response.map_err(undefined)?,
        };
        let offered = self.ask(smdp, &request).await.map_err(undefined)?;
        self.port.event(Event::Authenticated {
            iccid: Some(offered.profile_metadata.iccid),
        });
        if offered.profile_metadata.profile_policy_rules.is_some() {
            let error = IpaError::Protocol("the profile has policy rules");
            return Err((error, Reason::PPR_NOT_ALLOWED));
        }
        if offered.smdp_signed2.cc_required_flag && hash_cc.is_none() {
            let error = IpaError::Protocol("a confirmation code is needed");
            return Err((error, Reason::POSTPONED));
        }
        let shown = offered.profile_metadata.clone();
        let hash_cc = hash_cc.map(|hash| hash(id.as_bytes()));
        let response = self.prepare_download(offered, hash_cc).await;
        let request = es9plus::GetBoundProfilePackageRequest {
            transaction_id: id,
            prepare_download_response: response.map_err(undefined)?,
        };
        let bound = self.ask(smdp, &request).await.map_err(undefined)?;
        let package = bound.bound_profile_package;
        if bound_profile_package::metadata(&package) != Ok(shown) {
            let error = IpaError::Protocol("the package has other metadata than were offered");
            return Err((error, Reason::METADATA_MISMATCH));
        }
        let command = "LoadBoundProfilePackage";
        let failed = because(Reason::LOAD_BPP_EXECUTION_ERROR);
        for segment in &bound_profile_package::segments(&package) {
            let answer = self.channel.send(command, segment).await.map_err(failed)?;
            if !answer.is_empty() {
                let result = Signed::<ProfileInstallationResult>::from_der(&answer)
                    .map_err(|error| IpaError::CardAnswer { command, error });
                return result.map_err(failed);
            }
        }
        let error = IpaError::Protocol("the card took the whole package and gave no result");
        Err((error, Reason::LOAD_BPP_EXECUTION_ERROR))
    }

    async fn prepare_download(
        &self,
        offered: es9plus::AuthenticateClientOk,
        hash_cc: Option<[u8; 32]>,
    ) -> Result<PrepareDownloadResponse, IpaError> {
        let request = PrepareDownloadRequest {
            smdp_signed2: offered.smdp_signed2,
            smdp_signature2: offered.smdp_signature2,
            hash_cc,
            smdp_certificate: offered.smdp_certificate,
            extensions: Extensions::default(),
        };
        let command = "PrepareDownload";
        match self.channel.call(command, &request).await? {
            PrepareDownloadResponse::Error(error) => Err(IpaError::CardRefused {
                command,
                code: error.download_error_code.0,
            }),
            response => Ok(response),
        }
    }

    async fn cancel_locally(
        &self,
        smdp: &Server,
        transaction_id: TransactionId,
        reason: CancelSessionReason,
    ) -> Result<(), IpaError> {
        let request = CancelSessionRequest {
            transaction_id: transaction_id.clone(),
            reason,
            extensions: Extensions::default(),
        };
        let response: CancelSessionResponse = self.channel.call("CancelSession", &request).await?;
        let request = es9plus::CancelSessionRequest {
            transaction_id,
            cancel_session_response: response,
        };
        self.ask(smdp, &request).await.map(|_| ())
    }
}

/// Why a session is cancelled that an error ends: the order must outlive a
/// failure that passes, and a confirmation code that was mistyped.
fn reason_of(error: &IpaError, otherwise: CancelSessionReason) -> CancelSessionReason {
    match error {
        error if error.is_passing() => CancelSessionReason::TIMEOUT,
        IpaError::Server {
            error: BindingError::Refused(data),
            ..
        } if data.subject_code == CONFIRMATION_CODE => CancelSessionReason::POSTPONED,
        _ => otherwise,
    }
}

/// Subject code of the confirmation code (SGP.22 5.2.6).
const CONFIRMATION_CODE: &str = "8.2.7";

/// What the LPA checks before the eUICC does (SGP.22 3.0.1 step 10).
fn check(
    started: &es9plus::InitiateAuthenticationOk,
    code: &ActivationCode,
) -> Result<(), IpaError> {
    let certificate = ParsedCertificate::parse(&started.server_certificate)
        .map_err(|_| IpaError::Protocol("CERT.DPauth is malformed"))?;
    if certificate.authority_key_identifier.as_ref() != Some(&started.euicc_ci_pk_id_to_be_used) {
        return Err(IpaError::Protocol("CERT.DPauth is of another CI"));
    }
    if !certificate.has_policy(policy::DP_AUTH) {
        return Err(IpaError::Protocol("the server is no SM-DP+"));
    }
    match &code.smdp_oid {
        Some(oid) if certificate.registered_id.as_ref() != Some(oid) => Err(IpaError::Protocol(
            "the SM-DP+ has another OID than the activation code",
        )),
        _ => Ok(()),
    }
}
