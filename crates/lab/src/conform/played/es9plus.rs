//! ES9+ in JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::Asn1;
use serde_json::{Map, Value, json};

use super::{Answer, Smdp, decoded};
use crate::conform::case::{Check, Stop, some};
use crate::conform::der::tlv;
use crate::conform::{HttpMessage, HttpReply};

/// Where the functions are.
const PATH: &str = "/gsma/rsp2/es9plus/";

impl Smdp {
    /// What a request of ES9+ is answered; `None` for any other.
    pub(in crate::conform) fn es9plus(&mut self, message: &HttpMessage) -> Option<HttpReply> {
        let function = message.path.strip_prefix(PATH)?;
        let body: Value = match serde_json::from_slice(&message.body) {
            Ok(body) => body,
            Err(error) => {
                self.wrong.get_or_insert(format!("{function}: {error}"));
                return Some(reply(400, None));
            }
        };
        if function == "handleNotification" {
            let notification = octets(&body, "pendingNotification").and_then(|o| decoded(&o));
            return Some(match self.judged(notification) {
                Ok(notification) => {
                    self.notify(notification);
                    reply(204, None)
                }
                Err(_) => reply(400, None),
            });
        }
        let answer = match function {
            "initiateAuthentication" => self.json_initiate(&body),
            "authenticateClient" => self.json_authenticate(&body),
            "getBoundProfilePackage" => self.json_bind(&body),
            "cancelSession" => self.json_cancel(&body),
            _ => return Some(reply(404, None)),
        };
        Some(reply(200, Some(answer)))
    }

    fn json_initiate(&mut self, body: &Value) -> Answer<Value> {
        let challenge = octets(body, "euiccChallenge").and_then(|octets| {
            let array = octets.try_into();
            array.map_err(|_| Stop::Failed("euiccChallenge has other than 16 octets".into()))
        });
        let challenge = self.judged(challenge)?;
        let address = body.get("smdpAddress").and_then(Value::as_str);
        let info1 = octets(body, "euiccInfo1").ok();
        let request = self.initiate(challenge, address.map(ToString::to_string), info1)?;
        Ok(json!({
            "transactionId": self.server.transaction_id.to_string(),
            "serverSigned1": STANDARD.encode(request.server_signed1.as_bytes()),
            "serverSignature1": STANDARD.encode(tlv(0x5F37, &request.server_signature1)),
            "euiccCiPKIdToBeUsed": STANDARD.encode(tlv(0x04, &request.euicc_ci_pk_id_to_be_used)),
            "serverCertificate": STANDARD.encode(request.server_certificate.as_bytes()),
        }))
    }

    fn json_authenticate(&mut self, body: &Value) -> Answer<Value> {
        let response = octets(body, "authenticateServerResponse").and_then(|o| decoded(&o));
        let response = self.judged(response)?;
        let (metadata, request) = self.authenticate(&response)?;
        if self.bend == super::Bend::WrongFunction {
            return Ok(json!({ "boundProfilePackage": "vzYA" }));
        }
        if let Some(events) = &self.events {
            let entry = |(id, address): &(String, String)| json!({"eventId": id, "rspServerAddress": address});
            return Ok(json!({
                "transactionId": self.server.transaction_id.to_string(),
                "eventEntries": events.iter().map(entry).collect::<Vec<_>>(),
            }));
        }
        Ok(json!({
            "transactionId": self.server.transaction_id.to_string(),
            "profileMetadata": STANDARD.encode(metadata.to_der()),
            "smdpSigned2": STANDARD.encode(request.smdp_signed2.as_bytes()),
            "smdpSignature2": STANDARD.encode(tlv(0x5F37, &request.smdp_signature2)),
            "smdpCertificate": STANDARD.encode(request.smdp_certificate.as_bytes()),
        }))
    }

    fn json_bind(&mut self, body: &Value) -> Answer<Value> {
        let response = octets(body, "prepareDownloadResponse").and_then(|o| decoded(&o));
        let response = self.judged(response)?;
        let package = self.bind(&response)?;
        Ok(json!({
            "transactionId": self.server.transaction_id.to_string(),
            "boundProfilePackage": STANDARD.encode(package.to_der()),
        }))
    }

    fn json_cancel(&mut self, body: &Value) -> Answer<Value> {
        let response = octets(body, "cancelSessionResponse").and_then(|o| decoded(&o));
        let response = self.judged(response)?;
        self.cancel(&response)?;
        Ok(json!({}))
    }
}

fn octets(body: &Value, name: &str) -> Check<Vec<u8>> {
    let text = some(name, body.get(name).and_then(Value::as_str))?;
    let read = STANDARD.decode(text.as_bytes());
    read.map_err(|error| Stop::Failed(format!("{name} is no base64: {error}")))
}

fn reply(status: u16, answer: Option<Answer<Value>>) -> HttpReply {
    let body = answer.map(|answer| {
        let (status, members) = match answer {
            Ok(members) => (json!({"status": "Executed-Success"}), members),
            Err(((subject, reason), _)) => {
                let data = json!({"subjectCode": subject, "reasonCode": reason});
                let status = json!({"status": "Failed", "statusCodeData": data});
                (status, Value::Null)
            }
        };
        let mut message = Map::new();
        let header = json!({ "functionExecutionStatus": status });
        message.insert("header".into(), header);
        if let Value::Object(members) = members {
            message.extend(members);
        }
        Value::Object(message).to_string().into_bytes()
    });
    HttpReply::json(status, "gsma/rsp/v2.2.2", body.unwrap_or_default())
}
