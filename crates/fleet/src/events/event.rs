//! The envelope.

use rsp_core::Timestamp;
use serde_json::{Map, Value, json};

use super::kind::EventType;

/// The number of an event that is in no feed.
pub const UNNUMBERED: i64 = 0;

/// Something that happened and has no number yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// What.
    pub kind: EventType,
    /// What it is about: `devices/<EID>`, `operations/<id>`, as in the API.
    pub subject: String,
    /// When.
    pub time: Timestamp,
    /// Who made it happen, if that is known: `user:noc`, `api-key:erp`.
    pub actor: Option<String>,
    /// The same for all that comes of one order.
    pub correlation_id: Option<String>,
    /// What else there is to say; an object. No secrets.
    pub data: Value,
}

/// Something that happened, with its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Whose event it is.
    pub tenant: String,
    /// Its number among those of the tenant: 1, 2, 3 and so on, with none left out.
    pub sequence: i64,
    /// What happened.
    pub event: NewEvent,
}

impl Event {
    /// Its identifier: the time and the number, so that not even a database that
    /// was put back in time gives the same one to two events.
    pub fn id(&self) -> String {
        format!("{:012x}-{:x}", self.event.time.0, self.sequence)
    }

    /// The number as text, in which the order of texts is that of the numbers
    /// (CloudEvents, extension `sequence`).
    pub fn sequence_text(&self) -> String {
        format!("{:016}", self.sequence)
    }

    /// As a CloudEvent in JSON (CloudEvents 1.0, JSON format).
    pub fn to_cloud_event(&self) -> Value {
        let NewEvent {
            kind,
            subject,
            time,
            actor,
            correlation_id,
            data,
        } = &self.event;
        let mut event = Map::new();
        let mut put = |name: &str, value: String| {
            event.insert(name.to_string(), Value::String(value));
        };
        put("specversion", "1.0".to_string());
        put("id", self.id());
        put("source", format!("/tenants/{}", self.tenant));
        put("type", kind.to_string());
        put("subject", subject.clone());
        put("time", with_millis(*time));
        put("datacontenttype", "application/json".to_string());
        put("tenant", self.tenant.clone());
        put("severity", kind.severity().name().to_string());
        if self.sequence != UNNUMBERED {
            put("sequence", self.sequence_text());
        }
        if let Some(actor) = actor {
            put("actor", actor.clone());
        }
        if let Some(correlation_id) = correlation_id {
            put("correlationid", correlation_id.clone());
        }
        event.insert("data".to_string(), data.clone());
        Value::Object(event)
    }
}

/// RFC 3339 with milliseconds, in UTC.
fn with_millis(time: Timestamp) -> String {
    let (year, month, day, hour, minute, second) = time.to_utc();
    let millis = time.0 % 1000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

impl NewEvent {
    /// An event with nothing else to say.
    pub fn new(kind: EventType, subject: String, time: Timestamp) -> Self {
        NewEvent {
            kind,
            subject,
            time,
            actor: None,
            correlation_id: None,
            data: json!({}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_cloud_event() {
        let event = Event {
            tenant: "default".to_string(),
            sequence: 42,
            event: NewEvent {
                actor: Some("user:noc".to_string()),
                correlation_id: Some("op-1".to_string()),
                data: json!({"state": "failed"}),
                ..NewEvent::new(
                    EventType::OperationFailed,
                    "operations/op-1".to_string(),
                    Timestamp(1_709_251_199_007),
                )
            },
        };
        let expected = json!({
            "specversion": "1.0",
            "id": "018df74f801f-2a",
            "source": "/tenants/default",
            "type": "io.simurgh.operation.failed.v1",
            "subject": "operations/op-1",
            "time": "2024-02-29T23:59:59.007Z",
            "datacontenttype": "application/json",
            "tenant": "default",
            "severity": "error",
            "sequence": "0000000000000042",
            "actor": "user:noc",
            "correlationid": "op-1",
            "data": {"state": "failed"},
        });
        let shown = event.to_cloud_event();
        assert_eq!(shown, expected);
        // Names of attributes are lower-case letters and digits, 20 at most.
        for name in shown.as_object().unwrap().keys() {
            assert!(name.len() <= 20 && name.bytes().all(|octet| octet.is_ascii_lowercase()));
        }
    }

    #[test]
    fn what_is_in_no_feed_has_no_number() {
        let event = NewEvent::new(
            EventType::WebhookTested,
            "webhook-endpoints/a".into(),
            Timestamp(1),
        );
        let event = Event {
            tenant: "default".to_string(),
            sequence: UNNUMBERED,
            event,
        };
        assert_eq!(event.to_cloud_event().get("sequence"), None);
    }
}
