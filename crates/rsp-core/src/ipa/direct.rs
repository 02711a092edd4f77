//! The messages of a download that this IPA does itself, over ES9+ (SGP.32
//! 3.2.3.1, SGP.22 5.6).

use rsp_asn1::rsp::{
    AuthenticateServerResponse, BoundProfilePackage, CancelSessionResponse, EuiccInfo1,
    PrepareDownloadResponse,
};

use super::download::{Offered, Started};
use super::poll::{Round, server_error};
use super::{IpaError, Server};
use crate::binding::es9plus_json as es9plus;
use crate::binding::esipa_asn1::USER_AGENT_IPAD;
use crate::binding::json;
use rsp_asn1::ids::TransactionId;

impl Round<'_> {
    pub(super) async fn initiate_at(
        &self,
        smdp: &Server,
        euicc_challenge: [u8; 16],
        euicc_info1: EuiccInfo1,
    ) -> Result<Started, IpaError> {
        let request = es9plus::InitiateAuthenticationRequest {
            euicc_challenge,
            euicc_info1,
            smdp_address: smdp.address.clone(),
        };
        let started = self.es9plus(smdp, &request).await?;
        Ok(Started {
            transaction_id: started.transaction_id,
            server_signed1: started.server_signed1,
            server_signature1: started.server_signature1,
            euicc_ci_pk_id_to_be_used: started.euicc_ci_pk_id_to_be_used,
            server_certificate: started.server_certificate,
            matching_id: None,
            ctx_params1: None,
        })
    }

    pub(super) async fn authenticate_at(
        &self,
        smdp: &Server,
        transaction_id: TransactionId,
        response: AuthenticateServerResponse,
    ) -> Result<Offered, IpaError> {
        let request = es9plus::AuthenticateClientRequest {
            transaction_id,
            authenticate_server_response: response,
        };
        let offered = self.es9plus(smdp, &request).await?;
        Ok(Offered {
            transaction_id: offered.transaction_id,
            profile_metadata: Some(offered.profile_metadata),
            smdp_signed2: offered.smdp_signed2,
            smdp_signature2: offered.smdp_signature2,
            smdp_certificate: offered.smdp_certificate,
            hash_cc: None,
        })
    }

    pub(super) async fn bound_at(
        &self,
        smdp: &Server,
        transaction_id: TransactionId,
        response: PrepareDownloadResponse,
    ) -> Result<BoundProfilePackage, IpaError> {
        let request = es9plus::GetBoundProfilePackageRequest {
            transaction_id,
            prepare_download_response: response,
        };
        let bound = self.es9plus(smdp, &request).await?;
        Ok(bound.bound_profile_package)
    }

    pub(super) async fn cancel_at(
        &self,
        smdp: &Server,
        transaction_id: TransactionId,
        response: CancelSessionResponse,
    ) -> Result<(), IpaError> {
        let request = es9plus::CancelSessionRequest {
            transaction_id,
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
