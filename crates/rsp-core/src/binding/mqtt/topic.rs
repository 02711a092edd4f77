//! Topics.
//!
//! ```text
//! esipa/1/<eIM>/eim/<device>/asn1               requests, ASN.1 binding
//! esipa/1/<eIM>/eim/<device>/json/<function>    requests, JSON binding
//! esipa/1/<eIM>/ipa/<device>                    responses
//! ```

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use crate::binding::esipa_asn1;

const ROOT: &str = "esipa/1";

/// Paths of the JSON binding.
const JSON: &str = "/gsma/rsp2/esipa/";

/// A topic of requests, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestTopic {
    /// The device that asks.
    pub device: String,
    /// The path of the function in HTTP.
    pub path: String,
    /// What the body is.
    pub content_type: &'static str,
}

impl RequestTopic {
    /// Reads a topic of this eIM.
    pub fn parse(eim_id: &str, topic: &str) -> Option<RequestTopic> {
        let rest = topic.strip_prefix(ROOT)?.strip_prefix('/')?;
        let rest = rest.strip_prefix(eim_id)?.strip_prefix("/eim/")?;
        let (device, function) = rest.split_once('/')?;
        if !is_name(device) {
            return None;
        }
        let (path, content_type) = match function.strip_prefix("json/") {
            Some(name) if is_name(name) => {
                (format!("{JSON}{name}"), "application/json;charset=UTF-8")
            }
            None if function == "asn1" => {
                let path = esipa_asn1::PATH.to_string();
                (path, "application/x-gsma-rsp-asn1")
            }
            _ => return None,
        };
        Some(RequestTopic {
            device: device.to_string(),
            path,
            content_type,
        })
    }
}

/// The topic on which a device gets its responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceTopic<'a> {
    eim_id: &'a str,
    device: &'a str,
}

impl<'a> DeviceTopic<'a> {
    /// Of this device at this eIM.
    pub fn new(eim_id: &'a str, device: &'a str) -> DeviceTopic<'a> {
        DeviceTopic { eim_id, device }
    }
}

impl fmt::Display for DeviceTopic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ROOT}/{}/ipa/{}", self.eim_id, self.device)
    }
}

/// The filter of all requests to an eIM; its nodes share them.
pub fn filter(eim_id: &str) -> String {
    format!("$share/eim/{ROOT}/{eim_id}/eim/#")
}

/// The topic on which a device asks for the function with this path.
pub fn of_path(eim_id: &str, device: &str, path: &str) -> Option<String> {
    let function = match path.strip_prefix(JSON) {
        Some(name) if is_name(name) => format!("json/{name}"),
        None if path == esipa_asn1::PATH => "asn1".to_string(),
        _ => return None,
    };
    let names = is_name(eim_id) && is_name(device);
    names.then(|| format!("{ROOT}/{eim_id}/eim/{device}/{function}"))
}

/// Whether something is one level of a topic, and no wildcard.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(['/', '+', '#']) && !text.chars().any(char::is_control)
}
