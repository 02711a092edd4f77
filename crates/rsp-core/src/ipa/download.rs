//! Profile download (SGP.32 3.2.3.1 and 3.2.3.2 with SGP.22 3.0.1, 3.1.2,
//! 3.1.3): what eUICC and IPA do, whichever way the messages take. The ways are
//! in `direct.rs` and `indirect.rs`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    AuthenticateServerRequest, AuthenticateServerResponse, BoundProfilePackage,
    CancelSessionReason, CancelSessionRequest, CancelSessionResponse, CtxParams1,
    CtxParamsForCommonAuthentication, EuiccInfo1, FinalResult, GetEuiccChallengeRequest,
    GetEuiccChallengeResponse, PrepareDownloadRequest, PrepareDownloadResponse,
    ProfileInstallationResult, ServerSigned1, SmdpSigned2, StoreMetadataRequest,
    SubjectKeyIdentifier,
};
use rsp_asn1::sgp32::{
    ProfileDownloadData, ProfileDownloadTriggerRequest, ProfileDownloadTriggerResult,
    ProfileDownloadTriggerResultData,
};
use rsp_asn1::{Asn1, Certificate, Extensions, Signed};

use super::download_place::{NotStarted, Place};
use super::download_report::undefined_error;
use super::lpa::HashCc;
use super::poll::{Eim, Round};
use super::{ActivationCode, Event, IpaError, Server, bound_profile_package, indirect};
use crate::binding::BindingError;
use crate::pki::{ParsedCertificate, policy};

/// The SM-DP+'s answer to InitiateAuthentication.
pub(super) struct Started {
    pub(super) transaction_id: TransactionId,
    pub(super) server_signed1: Signed<ServerSigned1>,
    pub(super) server_signature1: Vec<u8>,
    pub(super) euicc_ci_pk_id_to_be_used: SubjectKeyIdentifier,
    pub(super) server_certificate: Certificate,
    /// From an eIM that keeps the activation code.
    pub(super) matching_id: Option<String>,
    /// From an eIM that makes them.
    pub(super) ctx_params1: Option<CtxParams1>,
}

/// The SM-DP+'s answer to AuthenticateClient.
pub(super) struct Offered {
    pub(super) transaction_id: TransactionId,
    /// Absent if the eIM has looked at them.
    pub(super) profile_metadata: Option<StoreMetadataRequest>,
    pub(super) smdp_signed2: Signed<SmdpSigned2>,
    pub(super) smdp_signature2: Vec<u8>,
    pub(super) smdp_certificate: Certificate,
    pub(super) hash_cc: Option<[u8; 32]>,
}

/// Which way the messages of a download take.
pub(super) enum Way<'a> {
    /// To the SM-DP+.
    Direct(Server),
    /// Through the eIM.
    Indirect(&'a Eim),
}

/// Who asked for a download.
pub(super) enum By<'a> {
    /// An eIM, by a trigger.
    Eim(&'a Eim, Option<TransactionId>),
    /// The user of the device, who may have given a confirmation code.
    User(Option<&'a HashCc>),
}

/// A download that somebody asked for.
struct Download<'a> {
    by: By<'a>,
    way: Way<'a>,
    place: Place,
}

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
        if self.memory.is_emergency() {
            return self.refuse_during_emergency(eim, transaction).await;
        }
        if let Some(ProfileDownloadData::ContactSmds(contact)) = &trigger.profile_download_data
            && self.goes_itself(eim)
        {
            return self.process_discovery(eim, trigger, contact).await;
        }
        let done = match self.what_to_download(eim, trigger).await {
            Ok(download) => self.download_or_cancel(&download).await,
            Err(NotStarted::Unusable) => return self.refuse_trigger(eim, transaction).await,
            Err(NotStarted::Failed(error)) if error.needs_reset() => return Err(error),
            Err(NotStarted::Failed(error)) => Err(error.into()),
        };
        let data = match done {
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

    /// Whether this IPA speaks with RSP servers itself (SGP.32 3.2.3): one that can
    /// do both takes the way through the eIM if the eUICC's configuration of that
    /// eIM says that it offers it.
    fn goes_itself(&self, eim: &Eim) -> bool {
        let features = self.config.features;
        features.direct && !(features.indirect && eim.relays)
    }

    /// From where, and which way.
    async fn what_to_download<'a>(
        &self,
        eim: &'a Eim,
        trigger: &ProfileDownloadTriggerRequest,
    ) -> Result<Download<'a>, NotStarted> {
        let features = self.config.features;
        let place = self.place_of(trigger).await?;
        let way = match &place.code {
            Some(code) if self.goes_itself(eim) => Way::Direct(self.smdp(&code.smdp_address)),
            _ if features.indirect => Way::Indirect(eim),
            _ => return Err(NotStarted::Unusable),
        };
        Ok(Download {
            by: By::Eim(eim, trigger.eim_transaction_id.clone()),
            way,
            place,
        })
    }

    /// Downloads what the user of the device has an activation code for.
    pub(super) async fn download_for_user(
        &self,
        code: &ActivationCode,
        hash_cc: Option<&HashCc>,
    ) -> Result<Signed<ProfileInstallationResult>, IpaError> {
        let download = Download {
            by: By::User(hash_cc),
            way: Way::Direct(self.smdp(&code.smdp_address)),
            place: Place {
                code: Some(code.clone()),
                from_euicc: false,
                is_smds: false,
            },
        };
        let done = self.download_or_cancel(&download).await;
        done.map_err(|broken| broken.error)
    }

    /// A download that breaks off leaves no session open.
    async fn download_or_cancel(
        &self,
        download: &Download<'_>,
    ) -> Result<Signed<ProfileInstallationResult>, Broken> {
        let mut done = self.download(download).await;
        if let Err(broken) = &mut done
            && !(broken.is_loading && broken.error.needs_reset())
            && let Some(session) = broken.session.take()
        {
            // The server may be what failed; the eIM is told anyway.
            let _ = self.cancel(&download.way, session).await;
        }
        done
    }

    async fn download(
        &self,
        download: &Download<'_>,
    ) -> Result<Signed<ProfileInstallationResult>, Broken> {
        let (started, code) = self.begin(download).await?;
        let transaction_id = started.transaction_id.clone();
        let open = |reason| {
            let transaction_id = transaction_id.clone();
            move |error: IpaError| Broken {
                is_loading: false,
                session: Some(OpenSession {
                    transaction_id: transaction_id.clone(),
                    reason: reason_of(&error, reason),
                }),
                error,
            }
        };
        let undefined = open(CancelSessionReason::UNDEFINED_REASON);
        check_server(&started, code.as_ref()).map_err(&undefined)?;
        let offered = self.authenticate(download, code, started).await;
        let offered = offered.map_err(&undefined)?;
        let shown = offered.profile_metadata.clone();
        self.check_offer(shown.as_ref()).map_err(&undefined)?;
        let offered =
            confirmed(&download.by, offered).map_err(open(CancelSessionReason::POSTPONED))?;
        let package = self.get_bound_profile_package(&download.way, offered).await;
        let package = package.map_err(&undefined)?;
        // What was decided upon must be what the eUICC gets.
        if shown.is_some_and(|shown| bound_profile_package::metadata(&package) != Ok(shown)) {
            let error = IpaError::Protocol("the package has other metadata than were offered");
            return Err(open(CancelSessionReason::METADATA_MISMATCH)(error));
        }
        self.remember(download, &transaction_id)
            .await
            .map_err(&undefined)?;
        let loaded = self.load_bound_profile_package(&package).await;
        let loaded = loaded.map_err(|error| Broken {
            is_loading: true,
            ..open(CancelSessionReason::LOAD_BPP_EXECUTION_ERROR)(error)
        })?;
        let installed = &loaded.profile_installation_result_data.final_result;
        if let (Way::Indirect(_), FinalResult::Success(_)) = (&download.way, installed) {
            // Without the card the result is found there in the next round.
            self.immediate_enable().await.map_err(|error| Broken {
                is_loading: true,
                ..Broken::from(error)
            })?;
        }
        Ok(loaded)
    }

    /// What is about to be loaded, so that its eIM hears of it even if the card
    /// or the device is reset meanwhile.
    async fn remember(
        &self,
        download: &Download<'_>,
        session: &TransactionId,
    ) -> Result<(), IpaError> {
        let By::Eim(eim, transaction) = &download.by else {
            return Ok(());
        };
        self.memory.loading(&eim.id, transaction.as_ref(), session);
        if let Way::Indirect(_) = download.way {
            self.memory.relayed(session);
        }
        self.save().await
    }

    /// There is nobody to consent to policy rules, and no rule here that allows
    /// them.
    fn check_offer(&self, shown: Option<&StoreMetadataRequest>) -> Result<(), IpaError> {
        match shown {
            Some(metadata) if metadata.profile_policy_rules.is_some() => Err(IpaError::Policy),
            None if !self.config.features.eim_metadata => {
                Err(IpaError::Protocol("the eIM leaves the metadata out"))
            }
            _ => Ok(()),
        }
    }

    /// SGP.22 3.0.1 steps 1 to 7 with the SM-DP+; gives what leads there, unless
    /// only the eIM knows.
    async fn begin(
        &self,
        download: &Download<'_>,
    ) -> Result<(Started, Option<ActivationCode>), IpaError> {
        let code = download.place.code.as_ref();
        let server = match &download.way {
            Way::Direct(smdp) => smdp,
            Way::Indirect(eim) => &eim.server,
        };
        if !download.place.is_smds {
            let known = code.map_or(&server.address, |code| &code.smdp_address);
            self.port.event(Event::DownloadStarted {
                smdp_address: known.clone(),
            });
        }
        match &download.way {
            Way::Direct(smdp) => {
                let (challenge, info) = self.challenge().await?;
                let started = self.initiate_at(smdp, challenge, info).await?;
                Ok((started, code.cloned()))
            }
            Way::Indirect(eim) => {
                let transaction = match &download.by {
                    By::Eim(_, transaction) => transaction.clone(),
                    By::User(_) => None,
                };
                self.initiate_past_smdss(&eim.server, transaction, &download.place)
                    .await
            }
        }
    }

    /// What InitiateAuthentication takes from the eUICC.
    pub(super) async fn challenge(&self) -> Result<([u8; 16], EuiccInfo1), IpaError> {
        let info = self.euicc_info1().await?;
        let request = GetEuiccChallengeRequest {
            extensions: Extensions::default(),
        };
        let challenge: GetEuiccChallengeResponse =
            self.channel.call("GetEUICCChallenge", &request).await?;
        Ok((challenge.euicc_challenge, info))
    }

    /// SGP.22 3.0.1 steps 9 to 18: the eUICC authenticates the server, the
    /// server the eUICC.
    async fn authenticate(
        &self,
        download: &Download<'_>,
        code: Option<ActivationCode>,
        started: Started,
    ) -> Result<Offered, IpaError> {
        let own = code.map(|code| code.matching_id);
        let session = started.transaction_id.clone();
        let eim_made_params = started.ctx_params1.is_some();
        let command = "AuthenticateServer";
        let response = self.authenticate_started(started, own).await?;
        let refused = match &response {
            AuthenticateServerResponse::Ok(_) | AuthenticateServerResponse::CompactOk(_) => None,
            AuthenticateServerResponse::Error(error) => Some(error.authenticate_error_code.0),
        };
        let offered = match &download.way {
            Way::Direct(smdp) => self.authenticate_at(smdp, session, response).await,
            Way::Indirect(eim) => {
                self.authenticate_through(&eim.server, session, response, eim_made_params)
                    .await
            }
        };
        if let Some(code) = refused {
            // The SM-DP+ has been told; the card's reason says more than its.
            return Err(IpaError::CardRefused { command, code });
        }
        let offered = offered?;
        self.port.event(Event::Authenticated {
            iccid: offered.profile_metadata.as_ref().map(|shown| shown.iccid),
        });
        Ok(offered)
    }

    /// ES10b.AuthenticateServer, with the MatchingID of the eIM or this one.
    pub(super) async fn authenticate_started(
        &self,
        started: Started,
        own: Option<String>,
    ) -> Result<AuthenticateServerResponse, IpaError> {
        let params = CtxParamsForCommonAuthentication {
            matching_id: started.matching_id.or(own),
            device_info: self.config.device_info.clone(),
            extensions: Extensions::default(),
        };
        let ctx_params1 = started.ctx_params1;
        let request = AuthenticateServerRequest {
            server_signed1: started.server_signed1,
            server_signature1: started.server_signature1,
            euicc_ci_pk_id_to_be_used: started.euicc_ci_pk_id_to_be_used,
            server_certificate: started.server_certificate,
            ctx_params1: ctx_params1.unwrap_or(CtxParams1::CommonAuthentication(params)),
            extensions: Extensions::default(),
        };
        self.channel.call("AuthenticateServer", &request).await
    }

    /// SGP.22 3.1.3: the eUICC makes its one-time key, the SM-DP+ binds the
    /// profile to it.
    async fn get_bound_profile_package(
        &self,
        way: &Way<'_>,
        offered: Offered,
    ) -> Result<BoundProfilePackage, IpaError> {
        let request = PrepareDownloadRequest {
            smdp_signed2: offered.smdp_signed2.clone(),
            smdp_signature2: offered.smdp_signature2.clone(),
            hash_cc: offered.hash_cc,
            smdp_certificate: offered.smdp_certificate.clone(),
            extensions: Extensions::default(),
        };
        let command = "PrepareDownload";
        let response: PrepareDownloadResponse = self.channel.call(command, &request).await?;
        let refused = match &response {
            PrepareDownloadResponse::Ok(_) | PrepareDownloadResponse::CompactOk(_) => None,
            PrepareDownloadResponse::Error(error) => Some(error.download_error_code.0),
        };
        let bound = match way {
            Way::Direct(smdp) => {
                let session = offered.transaction_id;
                self.bound_at(smdp, session, response).await
            }
            Way::Indirect(eim) => self.bound_through(&eim.server, &offered, response).await,
        };
        match refused {
            Some(code) => Err(IpaError::CardRefused { command, code }),
            None => bound,
        }
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
    async fn cancel(&self, way: &Way<'_>, session: OpenSession) -> Result<(), IpaError> {
        let request = CancelSessionRequest {
            transaction_id: session.transaction_id.clone(),
            reason: session.reason,
            extensions: Extensions::default(),
        };
        let response: CancelSessionResponse = self.channel.call("CancelSession", &request).await?;
        let id = session.transaction_id;
        match way {
            Way::Direct(smdp) => self.cancel_at(smdp, id, response).await,
            Way::Indirect(eim) => self.cancel_through(&eim.server, id, response).await,
        }
    }
}

/// A user's confirmation code is for this IPA to add; an eIM's has come with the
/// offer, or is missing at the SM-DP+.
fn confirmed(by: &By<'_>, mut offered: Offered) -> Result<Offered, IpaError> {
    let By::User(hash_cc) = by else {
        return Ok(offered);
    };
    if offered.smdp_signed2.cc_required_flag && hash_cc.is_none() {
        return Err(IpaError::Protocol("a confirmation code is needed"));
    }
    offered.hash_cc = hash_cc.map(|hash| hash(offered.transaction_id.as_bytes()));
    Ok(offered)
}

/// Subject code of the confirmation code (SGP.22 5.2.6).
const CONFIRMATION_CODE: &str = "8.2.7";

/// Why a session is cancelled that an error ends (SGP.32 3.2.3.2). The order
/// must outlive a failure that passes, and a confirmation code that was
/// mistyped.
fn reason_of(error: &IpaError, otherwise: CancelSessionReason) -> CancelSessionReason {
    if *error == IpaError::Policy || indirect::is_policy(error) {
        return CancelSessionReason::PPR_NOT_ALLOWED;
    }
    if indirect::is_mismatch(error) {
        return CancelSessionReason::METADATA_MISMATCH;
    }
    match error {
        error if error.is_passing() => CancelSessionReason::TIMEOUT,
        IpaError::Server {
            error: BindingError::Refused(data),
            ..
        } if data.subject_code == CONFIRMATION_CODE => CancelSessionReason::POSTPONED,
        _ => otherwise,
    }
}

/// What the IPA checks before the eUICC does (SGP.22 3.0.1 step 10); what only
/// the eIM knows it has checked.
fn check_server(started: &Started, code: Option<&ActivationCode>) -> Result<(), IpaError> {
    let certificate = check_started(started, code.map(|code| code.smdp_address.as_str()))?;
    if !certificate.has_policy(policy::DP_AUTH) {
        return Err(IpaError::Protocol("the server is no SM-DP+"));
    }
    let oid = code.and_then(|code| code.smdp_oid.as_ref());
    match oid {
        Some(oid) if certificate.registered_id.as_ref() != Some(oid) => Err(IpaError::Protocol(
            "the SM-DP+ has another OID than the activation code",
        )),
        _ => Ok(()),
    }
}

/// Whether what a server signed is about this, and its certificate under the CI
/// that it named.
pub(super) fn check_started(
    started: &Started,
    address: Option<&str>,
) -> Result<ParsedCertificate, IpaError> {
    let signed = &started.server_signed1;
    if address.is_some_and(|address| !signed.server_address.eq_ignore_ascii_case(address)) {
        return Err(IpaError::Protocol("the server signed another address"));
    }
    if signed.transaction_id != started.transaction_id {
        return Err(IpaError::Protocol("the server signed another transaction"));
    }
    let certificate = ParsedCertificate::parse(&started.server_certificate)
        .map_err(|_| IpaError::Protocol("the server's certificate is malformed"))?;
    match certificate.authority_key_identifier.as_ref() == Some(&started.euicc_ci_pk_id_to_be_used)
    {
        true => Ok(certificate),
        false => Err(IpaError::Protocol(
            "the server's certificate is of another CI",
        )),
    }
}
