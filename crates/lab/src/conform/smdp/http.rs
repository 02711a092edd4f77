//! Messages in JSON, as an LPA and an operator send them (SGP.22 6.5).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::bench::Bench;
use crate::conform::case::{Check, Stop, fail, same, some};
use crate::conform::{Certificates, HttpMessage, HttpReply};

/// What a function came to.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::conform) enum Reply {
    /// Executed-Success, with its members.
    Ok(Value),
    /// Failed, with subject and reason code: `8.1/6.1`.
    Refused(String),
}

impl Reply {
    /// The members of a success.
    pub(in crate::conform) fn ok(self, function: &str) -> Check<Value> {
        match self {
            Reply::Ok(members) => Ok(members),
            Reply::Refused(pair) => fail(format!("{function} is refused with {pair}")),
        }
    }

    /// The codes of a refusal.
    pub(in crate::conform) fn refused(self, function: &str) -> Check<String> {
        match self {
            Reply::Ok(_) => fail(format!("{function} is executed instead of refused")),
            Reply::Refused(pair) => Ok(pair),
        }
    }

    /// Fails unless it is a refusal with these codes.
    pub(in crate::conform) fn refused_with(self, function: &str, pair: &str) -> Check {
        let found = self.refused(function)?;
        same(&format!("codes of {function}"), found.as_str(), pair)
    }
}

/// Octets as JSON carries them.
pub(in crate::conform) fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// A member that is text.
pub(in crate::conform) fn member(message: &Value, name: &str) -> Check<String> {
    let found = message.get(name).and_then(Value::as_str);
    some(&format!("{name} in the response"), found).map(ToString::to_string)
}

/// A member that is octets.
pub(in crate::conform) fn octets(message: &Value, name: &str) -> Check<Vec<u8>> {
    let text = member(message, name)?;
    let read = STANDARD.decode(text.as_bytes());
    read.map_err(|error| Stop::Failed(format!("{name} is no base64: {error}")))
}

impl Bench {
    /// A request in JSON.
    pub(in crate::conform) fn post(
        &mut self,
        path: &str,
        body: &Value,
        certificates: Certificates,
    ) -> Check<HttpReply> {
        let message = HttpMessage {
            path: path.to_string(),
            headers: headers("application/json;charset=UTF-8"),
            body: serde_json::to_vec(body)?,
            certificates,
            ..HttpMessage::default()
        };
        self.http.send(&message).map_err(Stop::Failed)
    }

    /// A function of ES9+.
    pub(in crate::conform) fn es9plus(&mut self, function: &str, body: &Value) -> Check<Reply> {
        let path = format!("/gsma/rsp2/es9plus/{function}");
        let reply = self.post(&path, body, Certificates::None)?;
        read(function, &reply)
    }

    /// A function of ES2+.
    pub(in crate::conform) fn es2plus(&mut self, function: &str, mut body: Value) -> Check<Reply> {
        // A call that is repeated may be answered as it was the first time.
        self.calls += 1;
        if let Some(members) = body.as_object_mut() {
            let header = json!({
                "functionRequesterIdentifier": "2.999.30",
                "functionCallIdentifier": format!("CONFORMANCE-{}", self.calls),
            });
            members.insert("header".into(), header);
        }
        let path = format!("/gsma/rsp2/es2plus/{function}");
        let reply = self.post(&path, &body, Certificates::Operator)?;
        read(function, &reply)
    }
}

/// The headers that clients send.
pub(in crate::conform) fn headers(content_type: &str) -> Vec<(String, String)> {
    let pairs = [
        ("Content-Type", content_type),
        ("X-Admin-Protocol", "gsma/rsp/v2.2.2"),
        ("User-Agent", "gsma-rsp-lpad"),
    ];
    pairs
        .map(|(name, value)| (name.into(), value.into()))
        .into()
}

/// Header and members of a response.
pub(in crate::conform) fn read(function: &str, reply: &HttpReply) -> Check<Reply> {
    same(&format!("the HTTP status of {function}"), reply.status, 200)?;
    let protocol = reply.header("x-admin-protocol").unwrap_or_default();
    if !protocol.starts_with("gsma/rsp/v") {
        return fail(format!(
            "{function} is answered with X-Admin-Protocol `{protocol}`"
        ));
    }
    let message: Value = serde_json::from_slice(&reply.body)?;
    let status = message.pointer("/header/functionExecutionStatus");
    let status = some("functionExecutionStatus", status)?;
    match member(status, "status")?.as_str() {
        "Executed-Success" | "Executed-WithWarning" => Ok(Reply::Ok(message)),
        "Failed" => {
            let data = some("statusCodeData", status.get("statusCodeData"))?;
            let (subject, reason) = (member(data, "subjectCode")?, member(data, "reasonCode")?);
            Ok(Reply::Refused(format!("{subject}/{reason}")))
        }
        other => fail(format!("{function}: status {other}")),
    }
}
