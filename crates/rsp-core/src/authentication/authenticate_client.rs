//! AuthenticateClient (SGP.22 3.0.1 steps 15 to 18): is it this eUICC.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::{
    AuthenticateErrorCode, AuthenticateResponseOk, AuthenticateServerResponse, CtxParams1,
    DeviceCapabilities, EuiccInfo2,
};
use rsp_crypto::{PublicKey, Signature};

use super::AwaitAuthenticateClient;
use crate::Context;
use crate::binding::es9plus_json::AuthenticateClientRequest;
use crate::pki::{ChainError, ParsedCertificate, Side, TrustAnchor, verify_euicc_chain};

/// Why an eUICC is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClientRefused {
    /// Another transaction than that of the session, and where it stood.
    Transaction(&'static str),
    /// Signature or challenge.
    Signature(String),
    /// The eUICC itself answered with this error.
    Euicc(AuthenticateErrorCode),
    /// The chain is under another CI than was asked for.
    OtherCi,
    /// The chain does not verify; the EID that it claims is unproven.
    Chain {
        /// What is wrong.
        error: ChainError,
        /// Whose it claims to be.
        claimed: Option<Eid>,
    },
}

/// What kind of fault it is: what a code can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientFault {
    Transaction,
    Signature,
    Euicc,
    UnknownCi,
    EumInvalid,
    EumExpired,
    EuiccInvalid,
    EuiccExpired,
    EidRange,
}

impl ClientRefused {
    pub(crate) fn fault(&self) -> ClientFault {
        match self {
            ClientRefused::Transaction(_) => ClientFault::Transaction,
            ClientRefused::Signature(_) => ClientFault::Signature,
            ClientRefused::Euicc(_) => ClientFault::Euicc,
            ClientRefused::OtherCi => ClientFault::UnknownCi,
            ClientRefused::Chain { error, .. } => of_chain(error),
        }
    }
}

fn of_chain(error: &ChainError) -> ClientFault {
    match error {
        ChainError::UnknownIssuer { side: Side::Eum } => ClientFault::UnknownCi,
        ChainError::EidRange | ChainError::NoConstraints | ChainError::Organization => {
            ClientFault::EidRange
        }
        ChainError::Expired {
            side: Side::Ci | Side::Eum,
        } => ClientFault::EumExpired,
        ChainError::Expired { .. } => ClientFault::EuiccExpired,
        other => match other.side() {
            Some(Side::Ci | Side::Eum) => ClientFault::EumInvalid,
            Some(Side::Euicc | Side::Leaf) | None => ClientFault::EuiccInvalid,
        },
    }
}

impl fmt::Display for ClientRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientRefused::Transaction(place) => f.write_str(place),
            ClientRefused::Signature(why) => f.write_str(why),
            ClientRefused::Euicc(code) => write!(f, "AuthenticateServer failed: {code}"),
            ClientRefused::OtherCi => f.write_str("another CI than was asked for"),
            ClientRefused::Chain { error, claimed } => match claimed {
                Some(eid) => write!(f, "{error} (EID {eid}, unproven)"),
                None => write!(f, "{error}"),
            },
        }
    }
}

/// An eUICC whose chain and signature were verified, and what it said.
#[derive(Clone)]
pub(crate) struct Euicc {
    pub(crate) eid: Eid,
    pub(crate) public_key: PublicKey,
    pub(crate) signature1: Vec<u8>,
    /// `None` if it is empty, too.
    pub(crate) matching_id: Option<String>,
    pub(crate) info: EuiccInfo2,
    pub(crate) device: DeviceCapabilities,
}

impl AwaitAuthenticateClient {
    /// Verifies the eUICC.
    ///
    /// # Errors
    /// If certificates, signature or challenge are wrong, the eUICC is under
    /// another CI than was asked for, or it answered with an error.
    pub(crate) fn verify(
        &self,
        request: &AuthenticateClientRequest,
        anchors: &[TrustAnchor],
        cx: &Context<'_>,
    ) -> Result<Euicc, ClientRefused> {
        if request.transaction_id != self.transaction_id {
            return Err(ClientRefused::Transaction("not that of the session"));
        }
        let ok = match &request.authenticate_server_response {
            AuthenticateServerResponse::Ok(ok) => ok,
            // What the eUICC signed is not all in it.
            AuthenticateServerResponse::CompactOk(_) => {
                let why = "a compact form of ESipa".to_string();
                return Err(ClientRefused::Signature(why));
            }
            AuthenticateServerResponse::Error(error) => {
                return Err(ClientRefused::Euicc(error.authenticate_error_code));
            }
        };
        let (eum, euicc) = (&ok.eum_certificate, &ok.euicc_certificate);
        let euicc = verify_euicc_chain(eum, euicc, anchors, cx.now, cx.crypto);
        let euicc = euicc.map_err(|error| refused_chain(error, ok))?;
        if euicc.ci_key_identifier != self.ci_key_identifier {
            return Err(ClientRefused::OtherCi);
        }
        self.verify_signature(ok, &euicc.public_key, cx)?;
        let CtxParams1::CommonAuthentication(params) = &ok.euicc_signed1.ctx_params1;
        Ok(Euicc {
            eid: euicc.eid,
            public_key: euicc.public_key,
            signature1: ok.euicc_signature1.clone(),
            matching_id: params.matching_id.clone().filter(|id| !id.is_empty()),
            info: ok.euicc_signed1.euicc_info2.clone(),
            device: params.device_info.device_capabilities.clone(),
        })
    }

    fn verify_signature(
        &self,
        ok: &AuthenticateResponseOk,
        key: &PublicKey,
        cx: &Context<'_>,
    ) -> Result<(), ClientRefused> {
        let wrong = |error: rsp_crypto::CryptoError| ClientRefused::Signature(error.to_string());
        let signature = Signature::from_slice(&ok.euicc_signature1).map_err(wrong)?;
        let signed = ok.euicc_signed1.as_bytes();
        let verified = cx.crypto.verify(key, &[signed], &signature);
        verified.map_err(wrong)?;
        if ok.euicc_signed1.server_challenge != self.server_challenge {
            let why = "another serverChallenge".to_string();
            return Err(ClientRefused::Signature(why));
        }
        if ok.euicc_signed1.transaction_id != self.transaction_id {
            return Err(ClientRefused::Transaction("in euiccSigned1"));
        }
        Ok(())
    }
}

/// The log also names whose chain it claims to be.
fn refused_chain(error: ChainError, ok: &AuthenticateResponseOk) -> ClientRefused {
    let claimed = ParsedCertificate::parse(&ok.euicc_certificate);
    ClientRefused::Chain {
        error,
        claimed: claimed.ok().and_then(|certificate| certificate.eid()),
    }
}
