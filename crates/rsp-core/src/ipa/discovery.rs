//! Discovery (SGP.32 3.9.2.1, SGP.22 3.6.2): the IPA asks an SM-DS for events
//! and does what they lead to. An event leads to an SM-DP+, or to another SM-DS
//! that is asked next.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;

use rsp_asn1::Extensions;
use rsp_asn1::rsp::{
    AuthenticateServerRequest, AuthenticateServerResponse, CtxParams1,
    CtxParamsForCommonAuthentication, GetEuiccChallengeRequest, GetEuiccChallengeResponse,
};
use rsp_asn1::sgp32::{
    ContactSmds, EimPackageResult, ProfileDownloadData, ProfileDownloadError,
    ProfileDownloadErrorReason, ProfileDownloadTriggerRequest, ProfileDownloadTriggerResult,
    ProfileDownloadTriggerResultData,
};

use super::poll::{Eim, Round, server_error};
use super::{Event, IpaError, Server};
use crate::binding::es9plus_json::{
    AuthenticateClientRequest, InitiateAuthenticationOk, InitiateAuthenticationRequest,
};
use crate::binding::es11::{self, EventEntry};
use crate::binding::esipa_asn1::USER_AGENT_IPAD;
use crate::binding::json;
use crate::pki::{ParsedCertificate, policy};

/// Servers that are asked at most for one trigger: what an SM-DS answers must
/// not keep the device awake for ever.
const MAX_SERVERS: usize = 16;

/// SM-DSs behind each other at most: the root, an alternative one, and one to
/// spare.
pub(super) const MAX_DEPTH: u8 = 3;

/// A server that is to be asked.
struct Next {
    address: String,
    /// The event that led there; none at the first.
    event_id: Option<String>,
    depth: u8,
}

/// What the search has come to.
#[derive(Default)]
struct Found {
    /// An activation code for each event at an SM-DP+.
    codes: Vec<String>,
    /// Why a server led nowhere.
    error: Option<IpaError>,
}

impl Round<'_> {
    /// Carries out all events that wait for the eUICC, and reports each as a
    /// download of the trigger.
    pub(super) fn process_discovery<'a>(
        &'a self,
        eim: &'a Eim,
        trigger: &'a ProfileDownloadTriggerRequest,
        contact: &'a ContactSmds,
    ) -> Pin<Box<dyn Future<Output = Result<(), IpaError>> + 'a>> {
        // A download is a trigger of its own, so this leads back to where it
        // came from.
        Box::pin(async move {
            let codes = match self.discover(contact.smds_address.as_deref()).await {
                Ok(codes) => codes,
                Err(error) if error.needs_reset() => return Err(error),
                Err(error) => return self.report_nothing(eim, trigger, &error).await,
            };
            let mut outcome = Ok(());
            for code in codes {
                let Ok(code) = code.as_str().try_into() else {
                    continue;
                };
                let download = ProfileDownloadTriggerRequest {
                    profile_download_data: Some(ProfileDownloadData::ActivationCode(code)),
                    ..trigger.clone()
                };
                let done = self.process_download_trigger(eim, &download).await;
                let ends = done.as_ref().is_err_and(IpaError::needs_reset);
                outcome = outcome.and(done);
                if ends {
                    break;
                }
            }
            outcome
        })
    }

    /// Activation codes for the events that wait for the eUICC, found from the
    /// SM-DS of this address on, or from the root SM-DS that the eUICC names.
    ///
    /// # Errors
    /// If no SM-DS is known or can be asked, or nothing is found.
    pub(super) async fn discover(&self, address: Option<&str>) -> Result<Vec<String>, IpaError> {
        let mut queue = VecDeque::new();
        queue.push_back(Next {
            address: self.at_smds(address).await?.smdp_address,
            event_id: None,
            depth: 0,
        });
        let (mut found, mut asked) = (Found::default(), 0);
        while let Some(next) = queue.pop_front() {
            asked += 1;
            if asked > MAX_SERVERS {
                break;
            }
            match self.follow(&next, &mut queue, &mut found).await {
                Err(error) if error.needs_reset() => return Err(error),
                // One server that fails must not hide what others have.
                Err(error) => found.error = Some(error),
                Ok(()) => {}
            }
        }
        match (found.codes.is_empty(), found.error) {
            (false, _) => Ok(found.codes),
            (true, Some(error)) => Err(error),
            (true, None) => Err(IpaError::Protocol("no event waits at the SM-DS")),
        }
    }

    /// Finds out what a server is, and what it has.
    async fn follow(
        &self,
        next: &Next,
        queue: &mut VecDeque<Next>,
        found: &mut Found,
    ) -> Result<(), IpaError> {
        let server = self.smdp(&next.address);
        let started = self.initiate_discovery(&server).await?;
        let certificate = ParsedCertificate::parse(&started.server_certificate)
            .map_err(|_| IpaError::Protocol("the server's certificate is malformed"))?;
        if certificate.authority_key_identifier.as_ref() != Some(&started.euicc_ci_pk_id_to_be_used)
        {
            return Err(IpaError::Protocol(
                "the server's certificate is of another CI",
            ));
        }
        if !certificate.has_policy(policy::DS_AUTH) {
            let Some(event_id) = &next.event_id else {
                return Err(IpaError::Protocol("the SM-DS is none"));
            };
            let code = alloc::format!("LPA:1${}${event_id}", next.address);
            found.codes.push(code);
            return Ok(());
        }
        let entries = self.events(&server, started, next.event_id.clone()).await?;
        self.port.event(Event::EventsFound {
            smds_address: next.address.clone(),
            events: entries.len(),
        });
        if next.depth >= MAX_DEPTH {
            return Err(IpaError::Protocol("too many SM-DSs behind each other"));
        }
        for EventEntry {
            event_id,
            rsp_server_address,
        } in entries.into_iter().take(MAX_SERVERS)
        {
            queue.push_back(Next {
                address: rsp_server_address,
                event_id: Some(event_id),
                depth: next.depth + 1,
            });
        }
        Ok(())
    }

    /// SGP.22 3.0.1 steps 1 to 7, and what the IPA checks of the answer.
    pub(super) async fn initiate_discovery(
        &self,
        server: &Server,
    ) -> Result<InitiateAuthenticationOk, IpaError> {
        let euicc_info1 = self.euicc_info1().await?;
        let request = GetEuiccChallengeRequest {
            extensions: Extensions::default(),
        };
        let challenge: GetEuiccChallengeResponse =
            self.channel.call("GetEUICCChallenge", &request).await?;
        let request = InitiateAuthenticationRequest {
            euicc_challenge: challenge.euicc_challenge,
            euicc_info1,
            smdp_address: server.address.clone(),
        };
        let started = self.ask(server, &request).await?;
        let signed = &started.server_signed1;
        if !signed.server_address.eq_ignore_ascii_case(&server.address) {
            return Err(IpaError::Protocol("the server signed another address"));
        }
        match signed.transaction_id == started.transaction_id {
            true => Ok(started),
            false => Err(IpaError::Protocol("the server signed another transaction")),
        }
    }

    /// SGP.22 3.0.1 steps 9 to 18 with an SM-DS: its events for this eUICC.
    async fn events(
        &self,
        smds: &Server,
        started: InitiateAuthenticationOk,
        matching_id: Option<String>,
    ) -> Result<Vec<EventEntry>, IpaError> {
        let transaction_id = started.transaction_id.clone();
        let response = self.authenticate_server(started, matching_id).await?;
        let request = es11::AuthenticateClientRequest(AuthenticateClientRequest {
            transaction_id,
            authenticate_server_response: response,
        });
        Ok(self.ask(smds, &request).await?.event_entries)
    }

    /// ES10b.AuthenticateServer; an error of the eUICC is one here.
    pub(super) async fn authenticate_server(
        &self,
        started: InitiateAuthenticationOk,
        matching_id: Option<String>,
    ) -> Result<AuthenticateServerResponse, IpaError> {
        let params = CtxParamsForCommonAuthentication {
            matching_id,
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
        if let AuthenticateServerResponse::Error(error) = &response {
            let code = error.authenticate_error_code.0;
            return Err(IpaError::CardRefused { command, code });
        }
        Ok(response)
    }

    pub(super) async fn ask<F: json::Function>(
        &self,
        server: &Server,
        message: &F,
    ) -> Result<F::Ok, IpaError> {
        let request = json::encode_request(message, Some(USER_AGENT_IPAD))
            .map_err(|error| server_error(server, error))?;
        let response = self.request(server, request).await?;
        json::decode_response::<F>(&response).map_err(|error| server_error(server, error))
    }

    /// Tells the eIM that its trigger led to no download.
    async fn report_nothing(
        &self,
        eim: &Eim,
        trigger: &ProfileDownloadTriggerRequest,
        error: &IpaError,
    ) -> Result<(), IpaError> {
        let reason = error.to_string();
        self.port.event(Event::DownloadFailed {
            reason: reason.clone(),
        });
        let result = ProfileDownloadTriggerResult {
            eim_transaction_id: trigger.eim_transaction_id.clone(),
            profile_download_trigger_result_data:
                ProfileDownloadTriggerResultData::ProfileDownloadError(ProfileDownloadError {
                    profile_download_error_reason: ProfileDownloadErrorReason::UNDEFINED_ERROR,
                    error_response: Some(reason.into_bytes()),
                    extensions: Extensions::default(),
                }),
            extensions: Extensions::default(),
        };
        self.memory.owe(&eim.id, &result);
        let message = EimPackageResult::ProfileDownloadTriggerResult(result.clone());
        self.notify_eim(&eim.server, message).await?;
        self.memory.settle(&eim.id, &result);
        self.port.event(Event::ResultDelivered);
        Ok(())
    }
}
