//! ES11 over HTTPS (SGP.22 5.8, 6.5.2, 6.6): paths and requests of ES9+, of
//! which an SM-DS has two functions, and an answer of its own.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::Extensions;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{self, EventEntries, RemoteProfileProvisioningResponse};
use serde::{Deserialize, Serialize};

use super::es9plus::{Function as Es9plusFunction, Wire};
use super::json::{self, Function};
use super::{HttpResponse, es9plus_asn1, es9plus_json};
use crate::smds::Refusal;

/// Request of ES11.AuthenticateClient (SGP.22 5.8.2): that of ES9+, with
/// another answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthenticateClientRequest(pub es9plus_json::AuthenticateClientRequest);

/// Response of ES11.AuthenticateClient (SGP.22 5.8.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticateClientOk {
    /// The session.
    pub transaction_id: TransactionId,
    /// What waits for the eUICC; empty if nothing does.
    pub event_entries: Vec<EventEntry>,
}

/// An event that waits for an eUICC.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventEntry {
    /// The MatchingID at the server.
    pub event_id: String,
    /// The SM-DP+, or the next SM-DS.
    pub rsp_server_address: String,
}

/// The EventID is a secret until it is used.
impl fmt::Debug for EventEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventEntry")
            .field("event_id", &format_args!("[redacted]"))
            .field("rsp_server_address", &self.rsp_server_address)
            .finish()
    }
}

impl Function for AuthenticateClientRequest {
    type Ok = AuthenticateClientOk;
    const PATH: &'static str = <es9plus_json::AuthenticateClientRequest as Function>::PATH;
}

impl es9plus_asn1::Reply for AuthenticateClientOk {
    fn into_response(self) -> RemoteProfileProvisioningResponse {
        let entry = |entry: EventEntry| EventEntries {
            event_id: entry.event_id,
            rsp_server_address: entry.rsp_server_address,
            extensions: Extensions::default(),
        };
        RemoteProfileProvisioningResponse::AuthenticateClientResponseEs11(
            rsp::AuthenticateClientResponseEs11::Ok(rsp::AuthenticateClientOkEs11 {
                transaction_id: self.transaction_id,
                event_entries: self.event_entries.into_iter().map(entry).collect(),
                extensions: Extensions::default(),
            }),
        )
    }
}

/// Writes a refusal of an SM-DS.
pub fn refuse(wire: Wire, function: Es9plusFunction, refusal: Refusal) -> HttpResponse {
    use RemoteProfileProvisioningResponse as Out;
    let message = match (wire, function) {
        (Wire::Json, _) => return json::refusal(refusal),
        (Wire::Asn1, Es9plusFunction::InitiateAuthentication) => {
            Out::InitiateAuthenticationResponse(rsp::InitiateAuthenticationResponse::Error(
                initiate_authentication(refusal),
            ))
        }
        (Wire::Asn1, _) => Out::AuthenticateClientResponseEs11(
            rsp::AuthenticateClientResponseEs11::Error(authenticate_client(refusal)),
        ),
    };
    es9plus_asn1::encode_response(&message)
}

/// The integers say less than the codes of the JSON binding, and there is no
/// undefinedError here.
fn initiate_authentication(refusal: Refusal) -> rsp::InitiateAuthenticationError {
    use rsp::InitiateAuthenticationError as Code;
    match refusal {
        Refusal::InvalidSmdsAddress => Code::INVALID_DP_ADDRESS,
        Refusal::UnsupportedVersion => Code::EUICC_VERSION_NOT_SUPPORTED_BY_DP,
        _ => Code::CI_PK_NOT_SUPPORTED,
    }
}

fn authenticate_client(refusal: Refusal) -> rsp::AuthenticateClientErrorEs11 {
    use rsp::AuthenticateClientErrorEs11 as Code;
    match refusal {
        Refusal::EumCertificateInvalid => Code::EUM_CERTIFICATE_INVALID,
        Refusal::EumCertificateExpired => Code::EUM_CERTIFICATE_EXPIRED,
        Refusal::EuiccCertificateInvalid => Code::EUICC_CERTIFICATE_INVALID,
        Refusal::EuiccCertificateExpired => Code::EUICC_CERTIFICATE_EXPIRED,
        Refusal::EuiccSignatureInvalid => Code::EUICC_SIGNATURE_INVALID,
        Refusal::UnknownEvent => Code::EVENT_ID_UNKNOWN,
        Refusal::UnknownTransaction => Code::INVALID_TRANSACTION_ID,
        _ => Code::UNDEFINED_ERROR,
    }
}
