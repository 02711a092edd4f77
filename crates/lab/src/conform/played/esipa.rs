//! ESipa in ASN.1, as an eIM that relays.

use rsp_asn1::rsp::{
    CancelSessionOk, CancelSessionServerError, PrepareDownloadRequest, StoreMetadataRequest,
};
use rsp_asn1::sgp32::{
    AuthenticateClientErrorEsipa, AuthenticateClientOkDpEsipa, AuthenticateClientResponseEsipa,
    CancelSessionResponseEsipa, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim,
    GetBoundProfilePackageErrorEsipa, GetBoundProfilePackageOkEsipa,
    GetBoundProfilePackageResponseEsipa, HandleNotificationEsipa, InitiateAuthenticationErrorEsipa,
    InitiateAuthenticationOkEsipa, InitiateAuthenticationResponseEsipa,
};
use rsp_asn1::{Asn1, Extensions};

use super::{Answer, Bend, Smdp};

impl Smdp {
    /// What an eIM answers to a function that it relays, or takes over the
    /// notification in it; `None` for any other message.
    pub(in crate::conform) fn esipa(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        use EsipaMessageFromEimToIpa as Out;
        use EsipaMessageFromIpaToEim as In;
        let message = match In::from_der(body).ok()? {
            In::InitiateAuthenticationRequest(request) => {
                let started = {
                    let info1 = request.euicc_info1.map(|info| info.to_der());
                    self.initiate(request.euicc_challenge, request.smdp_address, info1)
                };
                Out::InitiateAuthenticationResponse(self.started(started))
            }
            In::AuthenticateClientRequest(request) => {
                let offered = self.authenticate(&request.authenticate_server_response);
                if self.bend == Bend::WrongFunction {
                    let error = GetBoundProfilePackageErrorEsipa::UNDEFINED_ERROR;
                    let other = GetBoundProfilePackageResponseEsipa::Error(error);
                    return Some(Out::GetBoundProfilePackageResponse(other).to_der());
                }
                let response = self.offered(offered);
                Out::AuthenticateClientResponse(response)
            }
            In::GetBoundProfilePackageRequest(request) => {
                let response = match self.bind(&request.prepare_download_response) {
                    Ok(package) => {
                        GetBoundProfilePackageResponseEsipa::Ok(GetBoundProfilePackageOkEsipa {
                            transaction_id: Some(self.server.transaction_id.clone()),
                            bound_profile_package: package,
                            extensions: Extensions::default(),
                        })
                    }
                    Err((_, code)) => GetBoundProfilePackageResponseEsipa::Error(
                        GetBoundProfilePackageErrorEsipa(code),
                    ),
                };
                Out::GetBoundProfilePackageResponse(response)
            }
            In::CancelSessionRequest(request) => {
                let response = match self.cancel(&request.cancel_session_response) {
                    Ok(()) => CancelSessionResponseEsipa::Ok(CancelSessionOk {
                        extensions: Extensions::default(),
                    }),
                    Err((_, code)) => {
                        CancelSessionResponseEsipa::Error(CancelSessionServerError(code))
                    }
                };
                Out::CancelSessionResponse(response)
            }
            In::HandleNotification(HandleNotificationEsipa::PendingNotification(notification)) => {
                self.notify(notification);
                return None;
            }
            _ => return None,
        };
        Some(message.to_der())
    }

    fn offered(
        &self,
        offered: Answer<(StoreMetadataRequest, PrepareDownloadRequest)>,
    ) -> AuthenticateClientResponseEsipa {
        match offered {
            Ok((metadata, request)) => {
                AuthenticateClientResponseEsipa::OkDp(AuthenticateClientOkDpEsipa {
                    transaction_id: Some(self.server.transaction_id.clone()),
                    profile_metadata: Some(metadata),
                    smdp_signed2: request.smdp_signed2,
                    smdp_signature2: request.smdp_signature2,
                    smdp_certificate: request.smdp_certificate,
                    hash_cc: None,
                    extensions: Extensions::default(),
                })
            }
            Err((_, code)) => {
                AuthenticateClientResponseEsipa::Error(AuthenticateClientErrorEsipa(code))
            }
        }
    }

    fn started(
        &self,
        started: Answer<rsp_asn1::rsp::AuthenticateServerRequest>,
    ) -> InitiateAuthenticationResponseEsipa {
        match started {
            Ok(request) => InitiateAuthenticationResponseEsipa::Ok(InitiateAuthenticationOkEsipa {
                transaction_id: Some(self.server.transaction_id.clone()),
                server_signed1: request.server_signed1,
                server_signature1: request.server_signature1,
                euicc_ci_pk_identifier_to_be_used: request.euicc_ci_pk_id_to_be_used,
                server_certificate: request.server_certificate,
                matching_id: None,
                ctx_params1: None,
                extensions: Extensions::default(),
            }),
            Err((_, code)) => {
                InitiateAuthenticationResponseEsipa::Error(InitiateAuthenticationErrorEsipa(code))
            }
        }
    }
}
