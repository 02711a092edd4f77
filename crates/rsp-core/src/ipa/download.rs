//! Direct profile download (SGP.32 3.2.3.1 with SGP.22 3.0.1, 3.1.2, 3.1.3).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    AuthenticateServerRequest, AuthenticateServerResponse, BoundProfilePackage,
    CancelSessionReason, CancelSessionRequest, CancelSessionResponse, CtxParams1,
    CtxParamsForCommonAuthentication, FinalResult, GetEuiccChallengeRequest,
    GetEuiccChallengeResponse, PendingNotification, PrepareDownloadRequest,
    PrepareDownloadResponse, ProfileInstallationResult,
};
use rsp_asn1::sgp32::{
    EimPackageResult, EimPackageResultErrorCode, EimPackageResultResponseError,
    ProfileDownloadData, ProfileDownloadError, ProfileDownloadErrorReason,
    ProfileDownloadTriggerRequest, ProfileDownloadTriggerResult, ProfileDownloadTriggerResultData,
};
use rsp_asn1::{Asn1, Extensions, Signed};

use super::poll::{Eim, Round, server_error};
use super::{ActivationCode, Event, IpaError, Server, bound_profile_package};
use crate::binding::es9plus_json as es9plus;
use crate::binding::esipa_asn1::USER_AGENT_IPAD;
use crate::binding::json;
use crate::pki::ParsedCertificate;

/// A session that has to be cancelled if it does not come to its end.
struct OpenSession {
    transaction_id: TransactionId,
    reason: CancelSessionReason,
}

/// An error, and the session that it leaves open.
struct Broken {
    error: IpaError,
    /// The package may be in the eUICC.
    is_loading: bool,
    session: Option<OpenSession>,
}

impl From<IpaError> for Broken {
    fn from(error: IpaError) -> Self {
        Broken {
            error,
            is_loading: false,
            session: None,
        }
    }
}

impl Round<'_> {
    /// Downloads the profile that the eIM asked for, and reports how it went.
    /// What was carried out before is only reported again.
    pub(super) async fn process_download_trigger(
        &self,
        eim: &Eim,
        trigger: &ProfileDownloadTriggerRequest,
    ) -> Result<(), IpaError> {
        let transaction = trigger.eim_transaction_id.clone();
        if let Some(kept) = self.memory.result_of(&eim.id, transaction.as_ref()) {
            return self.report_download(eim, kept).await;
        }
        if let Some(ProfileDownloadData::ContactSmds(contact)) = &trigger.profile_download_data {
            return self.process_discovery(eim, trigger, contact).await;
        }
        let Some(ProfileDownloadData::ActivationCode(code)) = &trigger.profile_download_data else {
            return self.refuse_trigger(eim, transaction).await;
        };
        let Ok(code) = code.parse::<ActivationCode>() else {
            return self.refuse_trigger(eim, transaction).await;
        };
        let smdp = self.smdp(&code.smdp_address);
        let data = match self.download(eim, trigger, &smdp, &code).await {
            Ok(result) => ProfileDownloadTriggerResultData::ProfileInstallationResult(result),
            // Whether the card has installed it shows when it can be asked.
            Err(broken) if broken.is_loading && broken.error.needs_reset() => {
                return Err(broken.error);
            }
            Err(broken) => {
                let reason = broken.error.to_string();
                self.port.event(Event::DownloadFailed {
                    reason: reason.clone(),
                });
                if let Some(session) = broken.session {
                    // The SM-DP+ may be what failed; the eIM is told anyway.
                    let _ = self.cancel(&smdp, session).await;
                }
                ProfileDownloadTriggerResultData::ProfileDownloadError(undefined_error(reason))
            }
        };
        let result = ProfileDownloadTriggerResult {
            eim_transaction_id: transaction,
            profile_download_trigger_result_data: data,
            extensions: Extensions::default(),
        };
        self.report_download(eim, result).await
    }

    /// Delivers results that an eIM did not take in a former round. One that
    /// is not taken now either does not hold up the others.
    pub(super) async fn deliver_owed_results(&self, eim: &Eim) -> Result<(), IpaError> {
        let mut outcome = Ok(());
        for result in self.memory.owed_to(&eim.id) {
            outcome = outcome.and(self.report_download(eim, result).await);
        }
        outcome
    }

    /// Gives the result to the eIM, then the installation result in it to the
    /// SM-DP+ (SGP.32 3.2.3.1 steps 13 and 14).
    async fn report_download(
        &self,
        eim: &Eim,
        result: ProfileDownloadTriggerResult,
    ) -> Result<(), IpaError> {
        let (mut result, mut refused) = (result, 0u8);
        loop {
            self.memory.owe(&eim.id, &result);
            let message = EimPackageResult::ProfileDownloadTriggerResult(result.clone());
            let error = match self.notify_eim(&eim.server, message).await {
                Ok(()) => break,
                Err(error) if error.is_refusal() => error,
                Err(error) => return Err(error),
            };
            refused += 1;
            let reason = error.to_string();
            let instead = self.instead_of(&result, refused, &reason).await?;
            let instead = instead.ok_or(error)?;
            self.port.event(Event::ResultRefused { reason });
            self.memory.settle(&eim.id, &result);
            result = instead;
        }
        self.memory.settle(&eim.id, &result);
        self.port.event(Event::ResultDelivered);
        self.save().await?;
        let data = result.profile_download_trigger_result_data;
        if let ProfileDownloadTriggerResultData::ProfileInstallationResult(result) = data {
            let notification = PendingNotification::ProfileInstallationResult(result);
            // The next package may change the network, so it goes out now; if
            // not, it is tried again, and reported, at the end of the round.
            let _ = self.deliver_notification(notification).await;
        }
        Ok(())
    }

    /// What an eIM is told that has refused an installation result, which it
    /// would refuse for ever: first what the eUICC keeps of it, which may have
    /// come over damaged; then that it is not known how the download ended, so
    /// that the eIM can ask. `None` if that is what it refused.
    async fn instead_of(
        &self,
        refused: &ProfileDownloadTriggerResult,
        times: u8,
        reason: &str,
    ) -> Result<Option<ProfileDownloadTriggerResult>, IpaError> {
        use ProfileDownloadTriggerResultData as Data;
        let Data::ProfileInstallationResult(result) = &refused.profile_download_trigger_result_data
        else {
            return Ok(None);
        };
        let session = &result.profile_installation_result_data.transaction_id;
        let mut kept = None;
        if times == 1 {
            let waiting = self.waiting_notifications(None).await?;
            kept = waiting.into_iter().find_map(|waiting| match waiting {
                PendingNotification::ProfileInstallationResult(kept) => Some(kept)
                    .filter(|k| k.profile_installation_result_data.transaction_id == *session),
                _ => None,
            });
        }
        let data = match kept.filter(|kept| kept != result) {
            Some(kept) => Data::ProfileInstallationResult(kept),
            None => Data::ProfileDownloadError(undefined_error(reason.into())),
        };
        Ok(Some(ProfileDownloadTriggerResult {
            profile_download_trigger_result_data: data,
            ..refused.clone()
        }))
    }

    /// An eIM Package without usable download data (SGP.32 5.14.6).
    async fn refuse_trigger(
        &self,
        eim: &Eim,
        transaction: Option<TransactionId>,
    ) -> Result<(), IpaError> {
        let error = EimPackageResultResponseError {
            eim_transaction_id: transaction,
            eim_package_result_error_code: EimPackageResultErrorCode::INVALID_PACKAGE_FORMAT,
            extensions: Extensions::default(),
        };
        self.provide(&eim.server, EimPackageResult::ResponseError(error))
            .await?;
        Ok(())
    }

    async fn download(
        &self,
        eim: &Eim,
        trigger: &ProfileDownloadTriggerRequest,
        smdp: &Server,
        code: &ActivationCode,
    ) -> Result<Signed<ProfileInstallationResult>, Broken> {
        self.port.event(Event::DownloadStarted {
            smdp_address: smdp.address.clone(),
        });
        let started = self.initiate_authentication(smdp).await?;
        let transaction_id = started.transaction_id.clone();
        let open = |reason| {
            let transaction_id = transaction_id.clone();
            move |error: IpaError| Broken {
                is_loading: false,
                session: Some(OpenSession {
                    transaction_id: transaction_id.clone(),
                    // The order must outlive a failure that passes.
                    reason: match error.is_passing() {
                        true => CancelSessionReason::TIMEOUT,
                        false => reason,
                    },
                }),
                error,
            }
        };
        let undefined = open(CancelSessionReason::UNDEFINED_REASON);
        check_server(&started, smdp, code).map_err(&undefined)?;
        let offered = self.authenticate(smdp, started, code).await;
        let offered = offered.map_err(&undefined)?;
        // There is nobody to consent, and no rule here that allows it.
        if offered.profile_metadata.profile_policy_rules.is_some() {
            let error = IpaError::Protocol("the profile has policy rules");
            return Err(open(CancelSessionReason::PPR_NOT_ALLOWED)(error));
        }
        let shown = offered.profile_metadata.clone();
        let package = self.get_bound_profile_package(smdp, offered).await;
        let package = package.map_err(&undefined)?;
        // What was decided upon must be what the eUICC gets.
        if bound_profile_package::metadata(&package) != Ok(shown) {
            let error = IpaError::Protocol("the package has other metadata than were offered");
            return Err(open(CancelSessionReason::METADATA_MISMATCH)(error));
        }
        let eim_transaction = trigger.eim_transaction_id.as_ref();
        self.memory
            .loading(&eim.id, eim_transaction, &transaction_id);
        self.save().await.map_err(&undefined)?;
        let loaded = self.load_bound_profile_package(&package).await;
        loaded.map_err(|error| Broken {
            is_loading: true,
            ..open(CancelSessionReason::LOAD_BPP_EXECUTION_ERROR)(error)
        })
    }

    /// SGP.22 3.0.1 steps 1 to 7.
    async fn initiate_authentication(
        &self,
        smdp: &Server,
    ) -> Result<es9plus::InitiateAuthenticationOk, IpaError> {
        let euicc_info1 = self.euicc_info1().await?;
        let request = GetEuiccChallengeRequest {
            extensions: Extensions::default(),
        };
        let challenge: GetEuiccChallengeResponse =
            self.channel.call("GetEUICCChallenge", &request).await?;
        let request = es9plus::InitiateAuthenticationRequest {
            euicc_challenge: challenge.euicc_challenge,
            euicc_info1,
            smdp_address: smdp.address.clone(),
        };
        self.es9plus(smdp, &request).await
    }

    /// SGP.22 3.0.1 steps 9 to 18: the eUICC authenticates the server, the
    /// server the eUICC.
    async fn authenticate(
        &self,
        smdp: &Server,
        started: es9plus::InitiateAuthenticationOk,
        code: &ActivationCode,
    ) -> Result<es9plus::AuthenticateClientOk, IpaError> {
        let params = CtxParamsForCommonAuthentication {
            matching_id: Some(code.matching_id.clone()),
            device_info: self.config.device_info.clone(),
            extensions: Extensions::default(),
        };
        let request = AuthenticateServerRequest {
            server_signed1: started.server_signed1,
            server_signature1: started.server_signature1,
            euicc_ci_pk_id_to_be_used: started.euicc_ci_pk_id_to_be_used,
            server_certificate: started.server_certificate,
            ctx_params1: CtxParams1::CommonAuthentication(params),
            extensions: Extensions::default(),
        };
        let command = "AuthenticateServer";
        let response: AuthenticateServerResponse = self.channel.call(command, &request).await?;
        let refused = match &response {
            AuthenticateServerResponse::Ok(_) | AuthenticateServerResponse::CompactOk(_) => None,
            AuthenticateServerResponse::Error(error) => Some(error.authenticate_error_code.0),
        };
        let request = es9plus::AuthenticateClientRequest {
            transaction_id: started.transaction_id,
            authenticate_server_response: response,
        };
        let offered = self.es9plus(smdp, &request).await;
        if let Some(code) = refused {
            // The SM-DP+ has been told; the card's reason says more than its.
            return Err(IpaError::CardRefused { command, code });
        }
        let offered = offered?;
        self.port.event(Event::Authenticated {
            iccid: offered.profile_metadata.iccid,
        });
        Ok(offered)
    }

    /// SGP.22 3.1.3: the eUICC makes its one-time key, the SM-DP+ binds the
    /// profile to it.
    async fn get_bound_profile_package(
        &self,
        smdp: &Server,
        offered: es9plus::AuthenticateClientOk,
    ) -> Result<BoundProfilePackage, IpaError> {
        let request = PrepareDownloadRequest {
            smdp_signed2: offered.smdp_signed2,
            smdp_signature2: offered.smdp_signature2,
            hash_cc: None,
            smdp_certificate: offered.smdp_certificate,
            extensions: Extensions::default(),
        };
        let command = "PrepareDownload";
        let response: PrepareDownloadResponse = self.channel.call(command, &request).await?;
        let refused = match &response {
            PrepareDownloadResponse::Ok(_) | PrepareDownloadResponse::CompactOk(_) => None,
            PrepareDownloadResponse::Error(error) => Some(error.download_error_code.0),
        };
        let request = es9plus::GetBoundProfilePackageRequest {
            transaction_id: offered.transaction_id,
            prepare_download_response: response,
        };
        let bound = self.es9plus(smdp, &request).await;
        if let Some(code) = refused {
            return Err(IpaError::CardRefused { command, code });
        }
        Ok(bound?.bound_profile_package)
    }

    /// ES10b.LoadBoundProfilePackage (SGP.22 2.5.5): segment by segment, until
    /// the eUICC answers with the result.
    async fn load_bound_profile_package(
        &self,
        package: &BoundProfilePackage,
    ) -> Result<Signed<ProfileInstallationResult>, IpaError> {
        let command = "LoadBoundProfilePackage";
        let segments = bound_profile_package::segments(package);
        self.port.event(Event::BoundProfilePackageReceived {
            octets: segments.iter().map(Vec::len).sum(),
        });
        for segment in &segments {
            let answer = self.channel.send(command, segment).await?;
            if answer.is_empty() {
                continue;
            }
            let result = Signed::<ProfileInstallationResult>::from_der(&answer)
                .map_err(|error| IpaError::CardAnswer { command, error })?;
            let data = &result.profile_installation_result_data;
            self.port.event(match &data.final_result {
                FinalResult::Success(_) => Event::Installed {
                    iccid: data.notification_metadata.iccid,
                },
                FinalResult::Error(error) => Event::DownloadFailed {
                    reason: error.error_reason.to_string(),
                },
            });
            return Ok(result);
        }
        Err(IpaError::Protocol(
            "the card took the whole package and gave no result",
        ))
    }

    /// Cancels the session at the eUICC and at the SM-DP+ (SGP.22 3.0.2).
    async fn cancel(&self, smdp: &Server, session: OpenSession) -> Result<(), IpaError> {
        let request = CancelSessionRequest {
            transaction_id: session.transaction_id.clone(),
            reason: session.reason,
            extensions: Extensions::default(),
        };
        let response: CancelSessionResponse = self.channel.call("CancelSession", &request).await?;
        let request = es9plus::CancelSessionRequest {
            transaction_id: session.transaction_id,
            cancel_session_response: response,
        };
        self.es9plus(smdp, &request).await?;
        Ok(())
    }

    async fn es9plus<F: json::Function>(
        &self,
        smdp: &Server,
        message: &F,
    ) -> Result<F::Ok, IpaError> {
        let request = json::encode_request(message, Some(USER_AGENT_IPAD))
            .map_err(|error| server_error(smdp, error))?;
        let response = self.request(smdp, request).await?;
        json::decode_response::<F>(&response).map_err(|error| server_error(smdp, error))
    }
}

/// What the IPA checks before the eUICC does (SGP.22 3.0.1 step 10).
fn check_server(
    started: &es9plus::InitiateAuthenticationOk,
    smdp: &Server,
    code: &ActivationCode,
) -> Result<(), IpaError> {
    let signed = &started.server_signed1;
    if !signed.server_address.eq_ignore_ascii_case(&smdp.address) {
        return Err(IpaError::Protocol("the SM-DP+ signed another address"));
    }
    if signed.transaction_id != started.transaction_id {
        return Err(IpaError::Protocol("the SM-DP+ signed another transaction"));
    }
    let certificate = ParsedCertificate::parse(&started.server_certificate)
        .map_err(|_| IpaError::Protocol("CERT.DPauth is malformed"))?;
    if certificate.authority_key_identifier.as_ref() != Some(&started.euicc_ci_pk_id_to_be_used) {
        return Err(IpaError::Protocol("CERT.DPauth is of another CI"));
    }
    match &code.smdp_oid {
        Some(oid) if certificate.registered_id.as_ref() != Some(oid) => Err(IpaError::Protocol(
            "the SM-DP+ has another OID than the activation code",
        )),
        _ => Ok(()),
    }
}

fn undefined_error(reason: String) -> ProfileDownloadError {
    ProfileDownloadError {
        profile_download_error_reason: ProfileDownloadErrorReason::UNDEFINED_ERROR,
        error_response: Some(reason.into_bytes()),
        extensions: Extensions::default(),
    }
}
