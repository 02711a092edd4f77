//! What all JSON functions share (SGP.22 6.5.1): header and value coding.

use alloc::string::{String, ToString};
use core::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{ADMIN_PROTOCOL, BindingError, HttpRequest, HttpResponse};
use crate::smdp::Refusal;

/// The same without its parameter.
pub(super) const MEDIA_TYPE: &str = "application/json";

/// Content-Type of the JSON bindings.
pub(super) const CONTENT_TYPE: &str = "application/json;charset=UTF-8";

/// A function of a JSON binding: the implementing type is its request.
pub trait Function: Serialize + DeserializeOwned {
    /// The members of the response.
    type Ok: Serialize + DeserializeOwned;
    /// Its path.
    const PATH: &'static str;
}

/// A response without members of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// Writes a request at the client; `user_agent` says which kind it is.
///
/// # Errors
/// If the message cannot be serialised.
pub fn encode_request<F: Function>(
    message: &F,
    user_agent: Option<&str>,
) -> Result<HttpRequest, BindingError> {
    Ok(HttpRequest {
        path: F::PATH.to_string(),
        content_type: CONTENT_TYPE.to_string(),
        admin_protocol: Some(ADMIN_PROTOCOL.to_string()),
        user_agent: user_agent.map(ToString::to_string),
        body: serde_json::to_vec(message).map_err(json_error)?,
    })
}

/// Reads a response at the client.
///
/// # Errors
/// If nothing was executed, the server refused, or the body is no response of
/// the function.
pub fn decode_response<F: Function>(response: &HttpResponse) -> Result<F::Ok, BindingError> {
    super::executed(response)?;
    let Envelope { header } = parse(&response.body)?;
    let status = header.function_execution_status;
    match status.status {
        // A warning comes with statusCodeData, too.
        ExecutionStatus::ExecutedSuccess | ExecutionStatus::ExecutedWithWarning => {
            parse(&response.body)
        }
        ExecutionStatus::Failed | ExecutionStatus::Expired => Err(match status.status_code_data {
            Some(refusal) => BindingError::Refused(refusal),
            None => BindingError::RefusedWithoutReason,
        }),
    }
}

/// Writes a response at the server.
///
/// # Errors
/// If the message cannot be serialised.
pub fn encode_response<T: Serialize>(
    result: Result<T, StatusCodeData>,
) -> Result<HttpResponse, BindingError> {
    let body = serde_json::to_vec(&Response::new(result)).map_err(json_error)?;
    Ok(HttpResponse::ok(CONTENT_TYPE, body))
}

/// A response that says success, with a warning: the peer should know more.
/// Any other response stays as it is.
pub fn with_warning(response: HttpResponse, warning: impl Into<StatusCodeData>) -> HttpResponse {
    let executed = parse::<Envelope>(&response.body).is_ok_and(|envelope| {
        envelope.header.function_execution_status.status == ExecutionStatus::ExecutedSuccess
    });
    if !executed {
        return response;
    }
    let Ok(mut body) = parse::<serde_json::Map<String, serde_json::Value>>(&response.body) else {
        return response;
    };
    let status = FunctionExecutionStatus {
        status: ExecutionStatus::ExecutedWithWarning,
        status_code_data: Some(warning.into()),
    };
    let header = Header {
        function_execution_status: status,
    };
    let Ok(header) = serde_json::to_value(header) else {
        return response;
    };
    body.insert("header".to_string(), header);
    match serde_json::to_vec(&body) {
        Ok(body) => HttpResponse { body, ..response },
        Err(_) => response,
    }
}

/// Writes a refusal at the server.
pub fn refusal(refusal: impl Into<StatusCodeData>) -> HttpResponse {
    encode_response::<Empty>(Err(refusal.into())).unwrap_or_else(|error| error.to_response())
}

/// The response to a request that cannot be read: the status says that nothing
/// was executed, and the header why where there is a code for it.
pub fn not_executed(error: &BindingError) -> HttpResponse {
    let code = match error {
        BindingError::ContentType => Refusal::InvalidContentType,
        BindingError::AdminProtocol => Refusal::InvalidAdminProtocol,
        BindingError::MissingMember(_) => Refusal::MissingParameter,
        _ => return error.to_response(),
    };
    HttpResponse {
        status: 400,
        ..refusal(code)
    }
}

/// Reads a request of ES2+ or ES9+ at the server. A wrong content type is
/// borne where the body is a message all the same.
pub(super) fn decode_rsp2<T>(
    request: &HttpRequest,
    decode: impl FnOnce(&HttpRequest) -> Result<T, BindingError>,
) -> Result<T, BindingError> {
    let protocol = request.admin_protocol.as_deref();
    if protocol.is_some_and(|protocol| !protocol.starts_with("gsma/rsp/v2.")) {
        return Err(BindingError::AdminProtocol);
    }
    decode(request).map_err(|error| {
        let (kind, _) = request
            .content_type
            .split_once(';')
            .unwrap_or((&request.content_type, ""));
        let is_json = kind.trim().eq_ignore_ascii_case(MEDIA_TYPE);
        match error {
            BindingError::Json(_) | BindingError::MissingMember(_) if !is_json => {
                BindingError::ContentType
            }
            error => error,
        }
    })
}

/// Reads a request at the server, if the path is that of the function.
pub(super) fn decode_request<F: Function>(
    request: &HttpRequest,
) -> Option<Result<F, BindingError>> {
    (request.path == F::PATH).then(|| parse(&request.body))
}

pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, BindingError> {
    serde_json::from_slice(body).map_err(json_error)
}

/// The library tells the kinds of errors apart by their texts alone.
pub(super) fn json_error(error: serde_json::Error) -> BindingError {
    let text = error.to_string();
    match error.is_data() && text.starts_with("missing field") {
        true => BindingError::MissingMember(text),
        false => BindingError::Json(text),
    }
}

/// `header` of a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Whether the function was executed.
    pub function_execution_status: FunctionExecutionStatus,
}

/// `functionExecutionStatus`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionExecutionStatus {
    /// The status.
    pub status: ExecutionStatus,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status_code_data: Option<StatusCodeData>,
}

/// `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutionStatus {
    /// Executed.
    #[serde(rename = "Executed-Success")]
    ExecutedSuccess,
    /// Executed, with a warning.
    #[serde(rename = "Executed-WithWarning")]
    ExecutedWithWarning,
    /// Refused.
    Failed,
    /// Not executed in time.
    Expired,
}

/// `statusCodeData`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusCodeData {
    /// What the refusal is about, for example `8.2.6`.
    pub subject_code: String,
    /// Why, for example `3.8`.
    pub reason_code: String,
    /// Which one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject_identifier: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
}

impl fmt::Display for StatusCodeData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.subject_code, self.reason_code)?;
        match &self.message {
            Some(message) => write!(f, " {message}"),
            None => Ok(()),
        }
    }
}

/// What every response has.
#[derive(Deserialize)]
pub(super) struct Envelope {
    pub(super) header: Header,
}

/// A response: header and, if executed, the members of the function.
#[derive(Serialize)]
struct Response<T> {
    header: Header,
    #[serde(flatten)]
    body: Option<T>,
}

impl<T> Response<T> {
    fn new(result: Result<T, StatusCodeData>) -> Self {
        let (status, status_code_data, body) = match result {
            Ok(body) => (ExecutionStatus::ExecutedSuccess, None, Some(body)),
            Err(data) => (ExecutionStatus::Failed, Some(data), None),
        };
        Response {
            header: Header {
                function_execution_status: FunctionExecutionStatus {
                    status,
                    status_code_data,
                },
            },
            body,
        }
    }
}

/// Base64 of the DER, tag included.
pub(crate) mod der {
    use alloc::string::String;

    use rsp_asn1::Asn1;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<T: Asn1, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::to_base64(&value.to_der()))
    }

    pub(crate) fn deserialize<'de, T: Asn1, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::from_der(&super::from_base64(&text).map_err(D::Error::custom)?).map_err(D::Error::custom)
    }
}

/// Base64 of 16 raw octets.
pub(super) mod octet16 {
    use alloc::string::String;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::binding) fn serialize<S: Serializer>(
        value: &[u8; 16],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::to_base64(value))
    }

    pub(in crate::binding) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; 16], D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = super::from_base64(&text).map_err(D::Error::custom)?;
        let wrong = |_| D::Error::custom("not 16 octets");
        bytes.try_into().map_err(wrong)
    }
}

/// Base64 of a signature in its data object '5F37'; the object may be absent
/// in what is received.
pub(super) mod signature {
    use alloc::string::String;
    use alloc::vec::Vec;

    use rsp_asn1::{Asn1, Tag, Tlv, Writer};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    const SIGNATURE: Tag = Tag::new(0x5F37);

    pub(in crate::binding) fn serialize<S: Serializer>(
        value: &Vec<u8>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut out = Writer::new();
        value.encode_tagged(SIGNATURE, &mut out);
        serializer.serialize_str(&super::to_base64(&out.into_bytes()))
    }

    pub(in crate::binding) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = super::from_base64(&text).map_err(D::Error::custom)?;
        match Tlv::parse(&bytes) {
            Ok(tlv) if tlv.tag == SIGNATURE => Ok(tlv.value.to_vec()),
            _ => Ok(bytes),
        }
    }
}

pub(crate) fn to_base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// With or without padding.
pub(crate) fn from_base64(text: &str) -> Result<alloc::vec::Vec<u8>, base64::DecodeError> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    STANDARD_NO_PAD.decode(text.trim_end_matches('='))
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::super::es2plus_json::{DownloadOrder, DownloadOrderOk};
    use super::*;

    fn decode(status: &str, data: &str, members: &str) -> Result<DownloadOrderOk, BindingError> {
        let body = format!(
            r#"{{"header":{{"functionExecutionStatus":{{"status":"{status}"{data}}}}}{members}}}"#
        );
        decode_response::<DownloadOrder>(&HttpResponse::ok(CONTENT_TYPE, body.into_bytes()))
    }

    const DATA: &str = r#","statusCodeData":{"subjectCode":"8.2.1","reasonCode":"3.3"}"#;
    const MEMBERS: &str = r#","iccid":"8999970000000000010""#;

    #[test]
    fn the_status_decides_whether_a_function_was_executed() {
        for (status, data) in [
            ("Executed-Success", ""),
            ("Executed-Success", DATA),
            ("Executed-WithWarning", ""),
            ("Executed-WithWarning", DATA),
        ] {
            assert!(decode(status, data, MEMBERS).is_ok(), "{status} {data}");
        }
        for status in ["Failed", "Expired"] {
            for members in ["", MEMBERS] {
                let refused = decode(status, DATA, members);
                assert!(
                    matches!(&refused, Err(BindingError::Refused(data))
                        if data.subject_code == "8.2.1" && data.reason_code == "3.3"),
                    "{refused:?}"
                );
                let refused = decode(status, "", members);
                assert_eq!(refused, Err(BindingError::RefusedWithoutReason));
            }
        }
    }

    #[test]
    fn an_executed_function_has_its_members() {
        let missing = decode("Executed-Success", "", "");
        assert!(
            matches!(&missing, Err(BindingError::MissingMember(text)) if text.contains("iccid")),
            "{missing:?}"
        );
        assert!(matches!(
            decode("Perhaps", "", MEMBERS),
            Err(BindingError::Json(_))
        ));
    }

    /// As a member of a message has it.
    #[derive(Deserialize, serde::Serialize)]
    struct Signed {
        #[serde(with = "signature")]
        signature: alloc::vec::Vec<u8>,
    }

    #[test]
    fn a_signature_comes_with_or_without_its_data_object() {
        let octets = alloc::vec![0xA5; 64];
        let object = [&[0x5F, 0x37, 0x40][..], &octets].concat();
        for text in [
            to_base64(&object),
            to_base64(&octets),
            to_base64(&object).trim_end_matches('=').into(),
            to_base64(&octets).trim_end_matches('=').into(),
        ] {
            let body = format!(r#"{{"signature":"{text}"}}"#);
            let read: Signed = serde_json::from_str(&body).unwrap();
            assert_eq!(read.signature, octets);
            let sent = serde_json::to_string(&read).unwrap();
            assert_eq!(sent, format!(r#"{{"signature":"{}"}}"#, to_base64(&object)));
        }
    }
}
