//! ESipa in whichever binding a message comes (SGP.32 6.1, 6.3, 6.4): the
//! messages are those of the ASN.1 module, and so is what they mean. An eIM
//! offers both bindings and answers in the one in which it was asked; an IPA
//! chooses one.

use rsp_asn1::sgp32::{EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim};

use super::{
    BindingError, HttpRequest, HttpResponse, StatusCodeData, esipa_asn1, esipa_json, json,
};
use crate::eim::Taken;

/// A function of ESipa.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// SGP.32 5.14.1.
    InitiateAuthentication,
    /// SGP.32 5.14.2.
    GetBoundProfilePackage,
    /// SGP.32 5.14.3.
    AuthenticateClient,
    /// SGP.32 5.14.4; the eIM asks.
    TransferEimPackage,
    /// SGP.32 5.14.5.
    GetEimPackage,
    /// SGP.32 5.14.6.
    ProvideEimPackageResult,
    /// SGP.32 5.14.7; has no response message.
    HandleNotification,
    /// SGP.32 5.14.8.
    CancelSession,
}

impl Function {
    /// All of them.
    pub const ALL: [Function; 8] = [
        Function::InitiateAuthentication,
        Function::GetBoundProfilePackage,
        Function::AuthenticateClient,
        Function::TransferEimPackage,
        Function::GetEimPackage,
        Function::ProvideEimPackageResult,
        Function::HandleNotification,
        Function::CancelSession,
    ];

    /// Its name in paths of the JSON binding.
    pub const fn name(self) -> &'static str {
        match self {
            Function::InitiateAuthentication => "initiateAuthentication",
            Function::GetBoundProfilePackage => "getBoundProfilePackage",
            Function::AuthenticateClient => "authenticateClient",
            Function::TransferEimPackage => "transferEimPackage",
            Function::GetEimPackage => "getEimPackage",
            Function::ProvideEimPackageResult => "provideEimPackageResult",
            Function::HandleNotification => "handleNotification",
            Function::CancelSession => "cancelSession",
        }
    }

    /// The function that an IPA calls with a message, or answers with it.
    pub const fn of(message: &EsipaMessageFromIpaToEim) -> Self {
        use EsipaMessageFromIpaToEim as Message;
        match message {
            Message::InitiateAuthenticationRequest(_) => Function::InitiateAuthentication,
            Message::AuthenticateClientRequest(_) => Function::AuthenticateClient,
            Message::GetBoundProfilePackageRequest(_) => Function::GetBoundProfilePackage,
            Message::CancelSessionRequest(_) => Function::CancelSession,
            Message::HandleNotification(_) => Function::HandleNotification,
            Message::TransferEimPackageResponse(_) => Function::TransferEimPackage,
            Message::GetEimPackageRequest(_) => Function::GetEimPackage,
            Message::ProvideEimPackageResult(_) => Function::ProvideEimPackageResult,
        }
    }
}

/// How messages of ESipa are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EsipaBinding {
    /// DER, one path for all functions.
    #[default]
    Asn1,
    /// JSON, a path each.
    Json,
}

/// Whether this path belongs to ESipa.
pub fn is_path(path: &str) -> bool {
    EsipaBinding::of_path(path).is_some()
}

/// Reads a message at the eIM, and tells in which binding it is to be answered.
///
/// # Errors
/// If the path names no function or the body is no message of an IPA.
pub fn decode_request(
    request: &HttpRequest,
) -> Result<(EsipaBinding, EsipaMessageFromIpaToEim), BindingError> {
    match EsipaBinding::of_path(&request.path) {
        Some(EsipaBinding::Asn1) => Ok((EsipaBinding::Asn1, esipa_asn1::decode_request(request)?)),
        Some(EsipaBinding::Json) => Ok((EsipaBinding::Json, esipa_json::decode_request(request)?)),
        None => Err(BindingError::UnknownPath(request.path.clone())),
    }
}

/// What the eIM answers to a request that is no message. A content type that
/// is not the binding's is held against it only here.
pub fn refuse(request: &HttpRequest, error: &BindingError) -> HttpResponse {
    let Some(binding) = EsipaBinding::of_path(&request.path) else {
        return error.to_response();
    };
    let refusal = match binding {
        EsipaBinding::Asn1 => esipa_asn1::refuse(request, error),
        EsipaBinding::Json => esipa_json::refuse(request, error),
    };
    match refusal.status {
        400 if !binding.is_content_type(&request.content_type) => {
            HttpResponse::failure(415, "not the content type of this binding")
        }
        _ => refusal,
    }
}

impl EsipaBinding {
    /// The binding that a path belongs to.
    pub fn of_path(path: &str) -> Option<Self> {
        if path == esipa_asn1::PATH {
            return Some(EsipaBinding::Asn1);
        }
        esipa_json::is_path(path).then_some(EsipaBinding::Json)
    }

    fn is_content_type(self, content_type: &str) -> bool {
        let (kind, _) = content_type.split_once(';').unwrap_or((content_type, ""));
        let own = match self {
            EsipaBinding::Asn1 => esipa_asn1::CONTENT_TYPE,
            EsipaBinding::Json => json::MEDIA_TYPE,
        };
        kind.trim().eq_ignore_ascii_case(own)
    }

    /// Writes a message at the IPA.
    ///
    /// # Errors
    /// If the message cannot be serialised.
    pub fn encode_request(
        self,
        message: &EsipaMessageFromIpaToEim,
    ) -> Result<HttpRequest, BindingError> {
        match self {
            EsipaBinding::Asn1 => Ok(esipa_asn1::encode_request(message)),
            EsipaBinding::Json => esipa_json::encode_request(message),
        }
    }

    /// Reads the response to a function at the IPA.
    ///
    /// # Errors
    /// If nothing was executed or the body is no message of an eIM.
    pub fn decode_response(
        self,
        asked: Function,
        response: &HttpResponse,
    ) -> Result<EsipaMessageFromEimToIpa, BindingError> {
        match self {
            EsipaBinding::Asn1 => esipa_asn1::decode_response(response),
            EsipaBinding::Json => esipa_json::decode_response(asked, response),
        }
    }

    /// Writes a response at the eIM.
    pub fn encode_response(self, message: &EsipaMessageFromEimToIpa) -> HttpResponse {
        match self {
            EsipaBinding::Asn1 => esipa_asn1::encode_response(message),
            EsipaBinding::Json => esipa_json::encode_response(message, None),
        }
    }

    /// Writes a response that passes a server's reason on, where the binding
    /// has room for more than its number.
    pub fn encode_refusal(
        self,
        message: &EsipaMessageFromEimToIpa,
        reason: &StatusCodeData,
    ) -> HttpResponse {
        match self {
            EsipaBinding::Asn1 => esipa_asn1::encode_response(message),
            EsipaBinding::Json => esipa_json::encode_response(message, Some(reason)),
        }
    }

    /// Says whether a notification was taken over: there is no message.
    pub fn encode_taken(self, taken: Taken) -> HttpResponse {
        esipa_asn1::encode_taken(taken)
    }
}
