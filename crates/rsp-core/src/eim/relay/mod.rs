//! Indirect profile download (SGP.32 3.2.3.2, 5.14.1 to 5.14.3, 5.14.8): the
//! eIM relays the functions of ES9+ between an IPA and an SM-DP+, and those of
//! ES11 between it and an SM-DS (3.9.2.2).
//!
//! A function takes two steps, because an answer of the SM-DP+ lies between
//! them: the first checks the IPA's message and gives an [`Ask`], the second
//! takes the SM-DP+'s response to it. What lives on between functions is a
//! [`RelaySession`], which is stored. What the eUICC and the SM-DP+ signed is
//! handed on octet for octet.

mod authenticate_client;
mod cancel_session;
mod compact;
mod events;
mod get_bound_profile_package;
mod handle_notification;
mod initiate_authentication;
mod target;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::rsp::CancelSessionServerError;
use rsp_asn1::sgp32::{
    AuthenticateClientErrorEsipa, AuthenticateClientResponseEsipa, CancelSessionResponseEsipa,
    EsipaMessageFromEimToIpa, GetBoundProfilePackageErrorEsipa,
    GetBoundProfilePackageResponseEsipa, InitiateAuthenticationErrorEsipa,
    InitiateAuthenticationResponseEsipa,
};
use serde::{Deserialize, Serialize};

use super::{Eim, Note, Operation, OperationId};
use crate::binding::es9plus::{Request, Wire};
use crate::binding::esipa::Function;
use crate::binding::{
    BindingError, HttpRequest, StatusCodeData, Transport, es9plus_client, status_codes,
};
use crate::ipa::Server;
use crate::pki::TlsTrust;

/// How the eIM speaks with SM-DP+s.
#[derive(Clone, Debug, Default)]
pub struct RelaySettings {
    /// The binding that is tried first.
    pub wire: Wire,
    /// Whom to take for an SM-DP+; the CIs of the eIM if `None`.
    pub trust: Option<TlsTrust>,
}

/// How long an unfinished session is kept.
const UNFINISHED: Duration = Duration::from_secs(3600);

/// How long it is kept for an installation result.
const WAITING_FOR_RESULT: Duration = Duration::from_secs(30 * 86_400);

/// One download that is relayed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelaySession {
    /// The RSP session, as the SM-DP+ named it.
    pub transaction_id: TransactionId,
    /// The eUICC.
    pub eid: Eid,
    /// The download.
    pub operation: OperationId,
    /// The SM-DP+, or the SM-DS.
    pub smdp_address: String,
    /// How it is spoken with.
    pub wire: Wire,
    /// OID of the SM-DP+, from its certificate.
    smdp_oid: Option<rsp_asn1::Oid>,
    /// `serverSigned1`, DER.
    server_signed1: Vec<u8>,
    /// ctxParams1 that the eIM made, DER.
    ctx_params1: Option<Vec<u8>>,
    /// PK.EUICC.ECDSA of the session as SubjectPublicKeyInfo.
    euicc_key: Option<Vec<u8>>,
    /// What is awaited.
    state: RelayState,
}

/// What a session awaits next.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "awaits", rename_all = "snake_case")]
enum RelayState {
    AuthenticateClient,
    /// The server is an SM-DS: its events come next.
    AuthenticateClientAtSmds,
    GetBoundProfilePackage(Offered),
    InstallationResult(Offered),
    Nothing,
}

/// What the SM-DP+ offered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Offered {
    /// Metadata of the profile, DER.
    profile_metadata: Vec<u8>,
    /// `smdpSigned2`, DER.
    smdp_signed2: Vec<u8>,
    smdp_signature2: Vec<u8>,
    /// Of the confirmation code that the eIM has.
    hash_cc: Option<[u8; 32]>,
}

/// Without what protects the download.
impl fmt::Debug for RelaySession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelaySession")
            .field("transaction_id", &self.transaction_id)
            .field("eid", &self.eid)
            .field("operation", &self.operation)
            .field("smdp_address", &self.smdp_address)
            .field("awaits", &self.awaits())
            .finish_non_exhaustive()
    }
}

impl RelaySession {
    /// What comes next in it.
    pub const fn awaits(&self) -> &'static str {
        match self.state {
            RelayState::AuthenticateClient | RelayState::AuthenticateClientAtSmds => {
                "AuthenticateClient"
            }
            RelayState::GetBoundProfilePackage(_) => "GetBoundProfilePackage",
            RelayState::InstallationResult(_) => "the installation result",
            RelayState::Nothing => "nothing",
        }
    }

    /// Whether the package was handed out.
    pub const fn awaits_result(&self) -> bool {
        matches!(self.state, RelayState::InstallationResult(_))
    }

    /// How long it is to be kept from now on.
    pub const fn kept_for(&self) -> Duration {
        match self.state {
            RelayState::InstallationResult(_) => WAITING_FOR_RESULT,
            _ => UNFINISHED,
        }
    }

    fn offered(&self) -> Option<&Offered> {
        match &self.state {
            RelayState::GetBoundProfilePackage(offered)
            | RelayState::InstallationResult(offered) => Some(offered),
            _ => None,
        }
    }
}

/// A request to an SM-DP+, and what it is about.
#[derive(Clone)]
pub struct Ask {
    /// The SM-DP+, and whom to take for it.
    pub server: Server,
    /// The request.
    pub request: HttpRequest,
    /// The function of ESipa that it is part of.
    pub function: Function,
    message: Request,
    wire: Wire,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("server", &self.server.address)
            .field("request", &self.request)
            .field("function", &self.function)
            .finish_non_exhaustive()
    }
}

impl Ask {
    fn new(
        eim: &Eim,
        address: &str,
        wire: Wire,
        function: Function,
        message: Request,
    ) -> Result<Self, Refused> {
        let trust = eim.relay.trust.clone();
        let trust = trust.unwrap_or_else(|| TlsTrust::RspServer(eim.anchors.clone()));
        let request = es9plus_client::encode_request(wire, &message, None);
        Ok(Ask {
            server: Server {
                address: address.to_string(),
                trust: Some(trust),
                transport: Transport::Https,
            },
            request: request.map_err(|error| Refused::undefined(function, error))?,
            function,
            message,
            wire,
        })
    }

    /// The same in the other binding, once, if the SM-DP+ does not speak this
    /// one: what is begun with it goes on in it.
    pub fn otherwise(&self, response: &crate::binding::HttpResponse) -> Option<Ask> {
        let begins = self.function == Function::InitiateAuthentication;
        if self.wire != Wire::Json || !begins || !es9plus_client::speaks_another_binding(response) {
            return None;
        }
        let request = es9plus_client::encode_request(Wire::Asn1, &self.message, None).ok()?;
        Some(Ask {
            request,
            wire: Wire::Asn1,
            ..self.clone()
        })
    }
}

/// What a function leads to. All of it is stored before the reply is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// The session as it stands now.
    pub session: RelaySession,
    /// The download, if it changed, and others that are to follow it.
    pub operations: Vec<Operation>,
    /// What an operator should read in the log.
    pub notes: Vec<Note>,
    /// The reply.
    pub reply: EsipaMessageFromEimToIpa,
}

/// Why a function is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{function:?} refused with {code}: {because}")]
pub struct Refused {
    /// The function.
    pub function: Function,
    /// The number that the IPA is told.
    pub code: i64,
    /// The SM-DP+'s own reason, where it gave one.
    pub reason: Option<Box<StatusCodeData>>,
    /// For the log.
    pub because: String,
}

impl Refused {
    /// By the eIM itself.
    pub fn new(function: Function, code: i64, because: impl ToString) -> Self {
        Refused {
            function,
            code,
            reason: None,
            because: because.to_string(),
        }
    }

    /// For a reason that has no number.
    pub fn undefined(function: Function, because: impl ToString) -> Self {
        Self::new(function, status_codes::UNDEFINED_ERROR, because)
    }

    /// By the SM-DP+, or because its answer is none.
    fn of(function: Function, error: BindingError) -> Self {
        let BindingError::Refused(reason) = error else {
            return Self::undefined(function, error);
        };
        let code = status_codes::code_of(function, &reason);
        Refused {
            function,
            code: code.unwrap_or(status_codes::UNDEFINED_ERROR),
            because: alloc::format!("the SM-DP+ refused: {reason}"),
            reason: Some(Box::new(reason)),
        }
    }

    /// The session is not known, or awaits something else.
    pub fn unknown_transaction(function: Function) -> Self {
        let code = match function {
            Function::AuthenticateClient => AuthenticateClientErrorEsipa::INVALID_TRANSACTION_ID.0,
            Function::GetBoundProfilePackage => {
                GetBoundProfilePackageErrorEsipa::INVALID_TRANSACTION_ID.0
            }
            Function::CancelSession => CancelSessionServerError::INVALID_TRANSACTION_ID.0,
            _ => InitiateAuthenticationErrorEsipa::INVALID_EIM_TRANSACTION_ID.0,
        };
        Self::new(
            function,
            code,
            "no such session, or it awaits another function",
        )
    }

    /// The response that says so.
    pub fn reply(&self) -> EsipaMessageFromEimToIpa {
        use EsipaMessageFromEimToIpa as Out;
        match self.function {
            Function::AuthenticateClient => {
                let code = AuthenticateClientErrorEsipa(self.code);
                Out::AuthenticateClientResponse(AuthenticateClientResponseEsipa::Error(code))
            }
            Function::GetBoundProfilePackage => {
                let code = GetBoundProfilePackageErrorEsipa(self.code);
                let error = GetBoundProfilePackageResponseEsipa::Error(code);
                Out::GetBoundProfilePackageResponse(error)
            }
            Function::CancelSession => {
                let code = CancelSessionServerError(self.code);
                Out::CancelSessionResponse(CancelSessionResponseEsipa::Error(code))
            }
            _ => {
                let code = InitiateAuthenticationErrorEsipa(self.code);
                let error = InitiateAuthenticationResponseEsipa::Error(code);
                Out::InitiateAuthenticationResponse(error)
            }
        }
    }
}
