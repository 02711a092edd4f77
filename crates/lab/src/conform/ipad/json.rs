//! The suite's eIM in JSON (SGP.32 6.4), as far as IPA-59 needs it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::Tlv;
use serde_json::{Map, Value, json};

use super::bench::{Script, acknowledged};
use crate::conform::der::tlv;
use crate::conform::{HttpMessage, HttpReply};

/// Where the functions are.
pub(super) const PATH: &str = "/gsma/rsp2/esipa/";

impl Script {
    /// What the eIM answers to a function in JSON.
    pub(super) fn answer_in_json(&mut self, function: &str, message: &HttpMessage) -> HttpReply {
        match function {
            "getEimPackage" => {
                let (name, value) = match self.packages.pop_front() {
                    Some(package) => (member(&package), json!(STANDARD.encode(package))),
                    None => ("eimPackageError", json!(1)),
                };
                executed(200, &[(name, value)])
            }
            "provideEimPackageResult" => {
                let body: Value = serde_json::from_slice(&message.body).unwrap_or_default();
                let result = body.get("eimPackageResult").and_then(Value::as_str);
                let result = STANDARD.decode(result.unwrap_or_default().as_bytes());
                // As the other binding has it, for the number in it.
                let message = tlv(0xBF50, &result.unwrap_or_default());
                let answer = acknowledged(&message);
                let inner = Tlv::parse(&answer).map(|answer| answer.value.to_vec());
                match inner.unwrap_or_default() {
                    numbers if numbers.starts_with(&[0xBF, 0x53]) => {
                        let numbers = json!(STANDARD.encode(numbers));
                        executed(200, &[("eimAcknowledgements", numbers)])
                    }
                    _ => executed(200, &[]),
                }
            }
            "handleNotification" => executed(self.notified, &[]),
            _ => executed(404, &[]),
        }
    }
}

/// The member that a package is.
fn member(package: &[u8]) -> &'static str {
    match package {
        [0xBF, 0x51, ..] => "euiccPackageRequest",
        [0xBF, 0x52, ..] => "ipaEuiccDataRequest",
        _ => "profileDownloadTriggerRequest",
    }
}

fn executed(status: u16, members: &[(&str, Value)]) -> HttpReply {
    let mut message = Map::new();
    let header = json!({"functionExecutionStatus": {"status": "Executed-Success"}});
    message.insert("header".into(), header);
    let members = members.iter().cloned();
    message.extend(members.map(|(name, value)| (name.to_string(), value)));
    let body = match status {
        200 => Value::Object(message).to_string().into_bytes(),
        _ => Vec::new(),
    };
    HttpReply::json(status, "gsma/rsp/v2.1.0", body)
}
