//! ESipa over MQTT 5, without I/O. SGP.32 leaves room for protocols of one's
//! own (eimSupportedProtocol, bit 4); `docs/esipa-over-mqtt.md` describes this
//! one for whoever implements another end of it.
//!
//! | module | what |
//! |---|---|
//! | [`packet`] | MQTT 5.0 as a client needs it: what it sends, what it gets |
//! | [`topic`] | which topic is which function of which device |

pub mod packet;
pub mod topic;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{ADMIN_PROTOCOL, HttpRequest, HttpResponse};
use packet::Publish;
use topic::{DeviceTopic, RequestTopic};

/// User property of a response: the status, as in HTTP.
pub const STATUS: &str = "status";

/// Octets of correlation data that a request may have.
pub const MAX_CORRELATION: usize = 64;

/// Why a message is no request or response of ESipa.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MqttMessageError {
    /// The topic is none of ESipa.
    #[error("no topic of ESipa")]
    Topic,
    /// The broker kept it, so that it is of the past.
    #[error("a retained message")]
    Retained,
    /// Nothing says where the response goes, or it is not the topic of the
    /// device that asks.
    #[error("the response topic is not that of the device")]
    ResponseTopic,
    /// Nothing ties the response to the request.
    #[error("correlation data is missing or too long")]
    Correlation,
    /// The response has no status.
    #[error("no status")]
    Status,
}

/// A request as it has come to the eIM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Which device asks: as the broker lets it call itself.
    pub device: String,
    /// Where the response goes.
    response_topic: String,
    correlation: Vec<u8>,
    /// What it asks.
    pub request: HttpRequest,
}

/// Reads a request at the eIM that is called so.
///
/// # Errors
/// If it is none; nothing is answered then.
pub fn read_request(eim_id: &str, message: Publish) -> Result<Incoming, MqttMessageError> {
    if message.retain {
        return Err(MqttMessageError::Retained);
    }
    let topic = RequestTopic::parse(eim_id, &message.topic).ok_or(MqttMessageError::Topic)?;
    let response_topic = DeviceTopic::new(eim_id, &topic.device).to_string();
    if message.response_topic.as_deref() != Some(&response_topic) {
        return Err(MqttMessageError::ResponseTopic);
    }
    let correlation = message.correlation.unwrap_or_default();
    if correlation.is_empty() || correlation.len() > MAX_CORRELATION {
        return Err(MqttMessageError::Correlation);
    }
    Ok(Incoming {
        device: topic.device,
        response_topic,
        correlation,
        request: HttpRequest {
            content_type: topic.content_type.to_string(),
            path: topic.path,
            admin_protocol: Some(ADMIN_PROTOCOL.to_string()),
            user_agent: None,
            body: message.payload,
        },
    })
}

impl Incoming {
    /// Writes the response; it is of no use to anybody after so many seconds.
    pub fn respond(&self, response: HttpResponse, expiry: u32) -> Publish {
        Publish {
            topic: self.response_topic.clone(),
            correlation: Some(self.correlation.clone()),
            expiry: Some(expiry),
            user_properties: Vec::from([(STATUS.to_string(), response.status.to_string())]),
            payload: response.body,
            ..Publish::default()
        }
    }
}

/// Writes a request of a device to an eIM.
///
/// # Errors
/// If the path is none of ESipa, or a name cannot stand in a topic.
pub fn write_request(
    eim_id: &str,
    device: &str,
    request: HttpRequest,
    correlation: Vec<u8>,
    expiry: u32,
) -> Result<Publish, MqttMessageError> {
    let topic = topic::of_path(eim_id, device, &request.path).ok_or(MqttMessageError::Topic)?;
    Ok(Publish {
        topic,
        response_topic: Some(DeviceTopic::new(eim_id, device).to_string()),
        correlation: Some(correlation),
        expiry: Some(expiry),
        payload: request.body,
        ..Publish::default()
    })
}

/// Reads the response with this correlation data; `None` if it is that to
/// another request.
///
/// # Errors
/// If it is no response.
pub fn read_response(
    message: Publish,
    correlation: &[u8],
    content_type: &str,
) -> Result<Option<HttpResponse>, MqttMessageError> {
    if message.correlation.as_deref() != Some(correlation) {
        return Ok(None);
    }
    if message.retain {
        return Err(MqttMessageError::Retained);
    }
    let mut properties = message.user_properties.iter();
    let status = properties.find(|(name, _)| name == STATUS);
    let status = status.and_then(|(_, value)| value.parse().ok());
    let status: u16 = status.ok_or(MqttMessageError::Status)?;
    let body = !message.payload.is_empty();
    Ok(Some(HttpResponse {
        status,
        content_type: body.then(|| content_type.to_string()),
        admin_protocol: Some(ADMIN_PROTOCOL.to_string()),
        body: message.payload,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EIM: &str = "eim.example.com";
    const DEVICE: &str = "89049032000000000000000000000163";

    fn request(path: &str) -> HttpRequest {
        HttpRequest {
            path: path.into(),
            content_type: "application/x-gsma-rsp-asn1".into(),
            admin_protocol: Some(ADMIN_PROTOCOL.into()),
            user_agent: None,
            body: Vec::from([0xBF, 0x4F]),
        }
    }

    #[test]
    fn requests_and_responses_find_each_other() {
        let sent = request("/gsma/rsp2/asn1");
        let message = write_request(EIM, DEVICE, sent.clone(), Vec::from([1, 2]), 60).unwrap();
        assert_eq!(
            message.topic,
            "esipa/1/eim.example.com/eim/89049032000000000000000000000163/asn1"
        );
        let incoming = read_request(EIM, message).unwrap();
        assert_eq!(
            (&incoming.request, incoming.device.as_str()),
            (&sent, DEVICE)
        );
        let response = HttpResponse::no_content();
        let message = incoming.respond(response.clone(), 60);
        let topic = "esipa/1/eim.example.com/ipa/89049032000000000000000000000163";
        assert_eq!(message.topic, topic);
        assert_eq!(read_response(message.clone(), &[9], ""), Ok(None));
        assert_eq!(read_response(message, &[1, 2], ""), Ok(Some(response)));
    }

    #[test]
    fn what_is_no_request_is_not_answered() {
        let good = || {
            let asked = request("/gsma/rsp2/esipa/getEimPackage");
            write_request(EIM, DEVICE, asked, Vec::from([1]), 60).unwrap()
        };
        assert!(read_request(EIM, good()).is_ok());
        type Change = fn(&mut Publish);
        let cases: [(Change, MqttMessageError); 7] = [
            (|m| m.retain = true, MqttMessageError::Retained),
            (|m| m.topic.push_str("/more"), MqttMessageError::Topic),
            (|m| m.topic = "other".into(), MqttMessageError::Topic),
            (|m| m.response_topic = None, MqttMessageError::ResponseTopic),
            (
                |m| m.response_topic = Some("esipa/1/eim.example.com/ipa/another".into()),
                MqttMessageError::ResponseTopic,
            ),
            (|m| m.correlation = None, MqttMessageError::Correlation),
            (
                |m| m.correlation = Some(alloc::vec![0; MAX_CORRELATION + 1]),
                MqttMessageError::Correlation,
            ),
        ];
        for (change, error) in cases {
            let mut message = good();
            change(&mut message);
            assert_eq!(read_request(EIM, message), Err(error));
        }
        assert_eq!(read_request("other", good()), Err(MqttMessageError::Topic));
        let elsewhere = request("/elsewhere");
        let written = write_request(EIM, DEVICE, elsewhere, Vec::new(), 1);
        assert_eq!(written, Err(MqttMessageError::Topic));
        for device in ["", "a/b", "+", "#", "a\0"] {
            let written = write_request(EIM, device, request("/gsma/rsp2/asn1"), Vec::new(), 1);
            assert_eq!(written, Err(MqttMessageError::Topic), "{device:?}");
        }
    }
}
