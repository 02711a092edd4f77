//! The messages of a download that the eIM relays, over ESipa (SGP.32 3.2.3.2,
//! 5.14.1 to 5.14.3, 5.14.8).

use alloc::string::String;

use rsp_asn1::Extensions;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    AuthenticateServerResponse, BoundProfilePackage, CancelSessionResponse, EuiccInfo1,
    PrepareDownloadResponse, SubjectKeyIdentifier,
};
use rsp_asn1::sgp32::{
    AuthenticateClientErrorEsipa, AuthenticateClientRequestEsipa, AuthenticateClientResponseEsipa,
    CancelSessionRequestEsipa, CancelSessionResponseEsipa, EsipaMessageFromEimToIpa,
    EsipaMessageFromIpaToEim, GetBoundProfilePackageErrorEsipa, GetBoundProfilePackageRequestEsipa,
    GetBoundProfilePackageResponseEsipa, ImmediateEnableRequest, ImmediateEnableResponse,
    ImmediateEnableResult, InitiateAuthenticationRequestEsipa, InitiateAuthenticationResponseEsipa,
    ProfileDownloadTriggerRequest,
};

use super::compact;
use super::download::{Offered, Started};
use super::poll::{Round, wrong_function};
use super::{IpaError, Server};

/// What an eIM answers that lacks what a compact form leaves out, among others.
const UNDEFINED_ERROR: i64 = AuthenticateClientErrorEsipa::UNDEFINED_ERROR.0;

fn refused(function: &'static str, code: i64) -> IpaError {
    IpaError::EimRefused { function, code }
}

/// `euiccCiPKIdentifierToBeUsed` may come truncated: the eUICC's own that
/// begins so.
fn whole_identifier(begins: &[u8], info: &EuiccInfo1) -> SubjectKeyIdentifier {
    let known = info
        .euicc_ci_pk_id_list_for_signing
        .iter()
        .chain(&info.euicc_ci_pk_id_list_for_verification);
    let mut fitting = known.filter(|known| known.starts_with(begins));
    fitting.next().cloned().unwrap_or_else(|| begins.to_vec())
}

impl Round<'_> {
    pub(super) async fn initiate_through(
        &self,
        eim: &Server,
        smdp_address: Option<&str>,
        eim_transaction_id: Option<TransactionId>,
        euicc_challenge: [u8; 16],
        euicc_info1: EuiccInfo1,
    ) -> Result<Started, IpaError> {
        use InitiateAuthenticationResponseEsipa as Response;
        let features = self.config.features;
        let mut request = InitiateAuthenticationRequestEsipa {
            euicc_challenge,
            smdp_address: smdp_address.map(String::from),
            euicc_info1: (!features.minimize).then(|| euicc_info1.clone()),
            eim_transaction_id,
            extensions: Extensions::default(),
        };
        let mut response = self.initiation(eim, &request).await?;
        if let Response::Error(code) = &response
            && code.0 == UNDEFINED_ERROR
            && request.euicc_info1.is_none()
        {
            request.euicc_info1 = Some(euicc_info1.clone());
            response = self.initiation(eim, &request).await?;
        }
        let started = match response {
            Response::Ok(started) => started,
            Response::Error(code) => return Err(refused("InitiateAuthentication", code.0)),
        };
        let begins = &started.euicc_ci_pk_identifier_to_be_used;
        Ok(Started {
            transaction_id: started
                .transaction_id
                .unwrap_or_else(|| started.server_signed1.transaction_id.clone()),
            euicc_ci_pk_id_to_be_used: whole_identifier(begins, &euicc_info1),
            server_signed1: started.server_signed1,
            server_signature1: started.server_signature1,
            server_certificate: started.server_certificate,
            matching_id: started.matching_id,
            ctx_params1: started.ctx_params1,
        })
    }

    async fn initiation(
        &self,
        eim: &Server,
        request: &InitiateAuthenticationRequestEsipa,
    ) -> Result<InitiateAuthenticationResponseEsipa, IpaError> {
        let message = EsipaMessageFromIpaToEim::InitiateAuthenticationRequest(request.clone());
        match self.esipa(eim, &message).await? {
            EsipaMessageFromEimToIpa::InitiateAuthenticationResponse(response) => Ok(response),
            _ => Err(wrong_function(eim)),
        }
    }

    pub(super) async fn authenticate_through(
        &self,
        eim: &Server,
        transaction_id: TransactionId,
        response: AuthenticateServerResponse,
        eim_made_params: bool,
    ) -> Result<Offered, IpaError> {
        use AuthenticateClientResponseEsipa as Response;
        let session = transaction_id.clone();
        let answer = self.authenticated_through(eim, session, response, eim_made_params);
        let offered = match answer.await? {
            Response::OkDp(offered) => offered,
            Response::OkDs(_) => {
                return Err(IpaError::Protocol("an SM-DS where an SM-DP+ was meant"));
            }
            Response::Error(code) => return Err(refused("AuthenticateClient", code.0)),
        };
        Ok(Offered {
            transaction_id: offered.transaction_id.unwrap_or(transaction_id),
            profile_metadata: offered.profile_metadata,
            smdp_signed2: offered.smdp_signed2,
            smdp_signature2: offered.smdp_signature2,
            smdp_certificate: offered.smdp_certificate,
            hash_cc: offered.hash_cc,
        })
    }

    /// What an SM-DS has for the eUICC: the trigger to go on with, if anything.
    pub(super) async fn event_through(
        &self,
        eim: &Server,
        transaction_id: TransactionId,
        response: AuthenticateServerResponse,
        eim_made_params: bool,
    ) -> Result<Option<ProfileDownloadTriggerRequest>, IpaError> {
        use AuthenticateClientResponseEsipa as Response;
        let answer = self.authenticated_through(eim, transaction_id, response, eim_made_params);
        match answer.await? {
            Response::OkDs(found) => Ok(found.profile_download_trigger),
            Response::OkDp(_) => Err(IpaError::Protocol("an SM-DP+ where an SM-DS was meant")),
            Response::Error(code) => Err(refused("AuthenticateClient", code.0)),
        }
    }

    /// In the compact form first, if bytes are to be saved.
    async fn authenticated_through(
        &self,
        eim: &Server,
        session: TransactionId,
        response: AuthenticateServerResponse,
        eim_made_params: bool,
    ) -> Result<AuthenticateClientResponseEsipa, IpaError> {
        use AuthenticateClientResponseEsipa as Response;
        let compact = self.config.features.minimize;
        let compact = compact.then(|| compact::authenticate_response(&response, eim_made_params));
        match compact.flatten() {
            None => self.authentication(eim, session, response).await,
            Some(compact) => match self.authentication(eim, session.clone(), compact).await? {
                Response::Error(code) if code.0 == UNDEFINED_ERROR => {
                    self.authentication(eim, session, response).await
                }
                answer => Ok(answer),
            },
        }
    }

    async fn authentication(
        &self,
        eim: &Server,
        transaction_id: TransactionId,
        response: AuthenticateServerResponse,
    ) -> Result<AuthenticateClientResponseEsipa, IpaError> {
        let request = AuthenticateClientRequestEsipa {
            transaction_id,
            authenticate_server_response: response,
            extensions: Extensions::default(),
        };
        let message = EsipaMessageFromIpaToEim::AuthenticateClientRequest(request);
        match self.esipa(eim, &message).await? {
            EsipaMessageFromEimToIpa::AuthenticateClientResponse(response) => Ok(response),
            _ => Err(wrong_function(eim)),
        }
    }

    pub(super) async fn bound_through(
        &self,
        eim: &Server,
        offered: &Offered,
        response: PrepareDownloadResponse,
    ) -> Result<BoundProfilePackage, IpaError> {
        let compact = match self.config.features.minimize {
            true => compact::prepare_response(&response, offered),
            false => None,
        };
        let request = GetBoundProfilePackageRequestEsipa {
            transaction_id: offered.transaction_id.clone(),
            prepare_download_response: compact.unwrap_or(response),
            extensions: Extensions::default(),
        };
        let message = EsipaMessageFromIpaToEim::GetBoundProfilePackageRequest(request);
        match self.esipa(eim, &message).await? {
            EsipaMessageFromEimToIpa::GetBoundProfilePackageResponse(
                GetBoundProfilePackageResponseEsipa::Ok(bound),
            ) => Ok(bound.bound_profile_package),
            EsipaMessageFromEimToIpa::GetBoundProfilePackageResponse(
                GetBoundProfilePackageResponseEsipa::Error(code),
            ) => Err(refused("GetBoundProfilePackage", code.0)),
            _ => Err(wrong_function(eim)),
        }
    }

    pub(super) async fn cancel_through(
        &self,
        eim: &Server,
        transaction_id: TransactionId,
        response: CancelSessionResponse,
    ) -> Result<(), IpaError> {
        let compact = match self.config.features.minimize {
            true => compact::cancel_response(&response),
            false => None,
        };
        let request = CancelSessionRequestEsipa {
            transaction_id,
            cancel_session_response: compact.unwrap_or(response),
            extensions: Extensions::default(),
        };
        let message = EsipaMessageFromIpaToEim::CancelSessionRequest(request);
        match self.esipa(eim, &message).await? {
            EsipaMessageFromEimToIpa::CancelSessionResponse(CancelSessionResponseEsipa::Ok(_)) => {
                Ok(())
            }
            EsipaMessageFromEimToIpa::CancelSessionResponse(CancelSessionResponseEsipa::Error(
                code,
            )) => Err(refused("CancelSession", code.0)),
            _ => Err(wrong_function(eim)),
        }
    }

    /// ES10b.ImmediateEnable after an installation (SGP.32 3.2.3.2): the eUICC
    /// does it if it was configured to, and says so if not. Cards without the
    /// function refuse it.
    pub(super) async fn immediate_enable(&self) -> Result<(), IpaError> {
        let request = ImmediateEnableRequest {
            refresh_flag: true,
            extensions: Extensions::default(),
        };
        let enabled = self.channel.call("ImmediateEnable", &request);
        let enabled: Result<ImmediateEnableResponse, IpaError> = enabled.await;
        match enabled {
            Err(error @ (IpaError::Card(_) | IpaError::CardConfused(_))) => Err(error),
            Ok(response) if response.immediate_enable_result == ImmediateEnableResult::OK => {
                self.note_immediate_enable();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Whether the eIM refused because of the profile's policy rules.
pub(super) fn is_policy(error: &IpaError) -> bool {
    const CODE: i64 = AuthenticateClientErrorEsipa::PPR_NOT_ALLOWED.0;
    matches!(
        error,
        IpaError::EimRefused {
            function: "AuthenticateClient",
            code: CODE
        }
    )
}

/// Whether the eIM found other metadata in the package than were offered.
pub(super) fn is_mismatch(error: &IpaError) -> bool {
    const CODE: i64 = GetBoundProfilePackageErrorEsipa::METADATA_MISMATCH.0;
    matches!(
        error,
        IpaError::EimRefused {
            function: "GetBoundProfilePackage",
            code: CODE
        }
    )
}
