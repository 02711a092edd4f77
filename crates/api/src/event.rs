//! Events, and webhook endpoints that are told of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// What happened: a CloudEvent 1.0. `docs/events.md` has all types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "specversion": "1.0",
    "id": "018df74f801f-2a",
    "source": "/tenants/default",
    "type": "io.simurgh.device.added.v1",
    "subject": "devices/89049032000000000000000000000163",
    "time": "2026-03-01T11:58:04.007Z",
    "datacontenttype": "application/json",
    "tenant": "default",
    "severity": "info",
    "sequence": "0000000000000042",
    "data": {"eid": "89049032000000000000000000000163"}
}))]
pub struct Event {
    /// `1.0`.
    pub specversion: String,
    /// The same whenever and wherever the event is told.
    pub id: String,
    /// The tenant, as a path.
    pub source: String,
    /// `io.simurgh.<noun>.<verb>.v1`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is about: `devices/<EID>`, `operations/<id>`.
    pub subject: String,
    /// When, in UTC with milliseconds.
    pub time: String,
    /// `application/json`.
    pub datacontenttype: String,
    /// Whose it is.
    pub tenant: String,
    /// `info`, `warning` or `error`.
    pub severity: String,
    /// Its number among those of the tenant, with none left out; 16 digits. A test
    /// event has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<String>,
    /// Who made it happen, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The same for all that comes of one order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlationid: Option<String>,
    /// What else there is to say, by its type.
    #[schema(value_type = Object)]
    pub data: BTreeMap<String, serde_json::Value>,
}

/// A webhook endpoint that is to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://hooks.example.com/simurgh", "types": ["operation.failed", "device.*"], "rate": 20}))]
pub struct NewWebhookEndpoint {
    /// An `https` address, 2048 octets at most.
    pub url: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Only events of these types: `operation.failed`, `operation.*`; all if there
    /// is none.
    #[serde(default)]
    pub types: Vec<String>,
    /// Only events about these: `devices/8904*`; all if there is none.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// Events in a second at most, 1 to 1000; 50 if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_i64)]
    pub rate: Option<u32>,
    /// What signs, `whsec_` and base64; a random one if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
}

/// What is to be changed of a webhook endpoint; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enabled": true}))]
pub struct WebhookEndpointSettings {
    /// As in [`NewWebhookEndpoint`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// As in [`NewWebhookEndpoint`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// As in [`NewWebhookEndpoint`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// As in [`NewWebhookEndpoint`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subjects: Option<Vec<String>>,
    /// As in [`NewWebhookEndpoint`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, maximum = 4_294_967_295_i64)]
    pub rate: Option<u32>,
    /// Whether it is told of events. Enabled again, it goes on where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A webhook endpoint and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "we-5d0c2f8a91b34e67",
    "url": "https://hooks.example.com/simurgh",
    "description": "",
    "types": ["operation.failed"],
    "subjects": [],
    "rate": 50,
    "created": "2026-03-01T11:58:04Z",
    "state": "enabled",
    "position": 42,
    "attempts": 0
}))]
pub struct WebhookEndpoint {
    /// Its identifier.
    pub id: String,
    /// Where.
    pub url: String,
    /// For people.
    pub description: String,
    /// Of which types of events it is told; of all if there is none.
    pub types: Vec<String>,
    /// About what; about everything if there is none.
    pub subjects: Vec<String>,
    /// Events in a second at most.
    #[schema(value_type = u64, maximum = 4_294_967_295_i64)]
    pub rate: u32,
    /// When it was added.
    pub created: String,
    /// `enabled`; `failing`, if it does not take an event; `disabled`.
    pub state: String,
    /// Why it is disabled, or was told to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when it fails, or is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// All events up to this number are delivered, or it does not want them.
    pub position: i64,
    /// How often the event is tried that it does not take.
    pub attempts: u32,
    /// Until when the secret that was replaced still signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotates_until: Option<String>,
    /// What signs; shown when it is made and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
}

/// Events that are to be delivered once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"first": 17, "last": 42}))]
pub struct Replay {
    /// The number of the first.
    #[schema(minimum = 1)]
    pub first: i64,
    /// The number of the last.
    #[schema(minimum = 1)]
    pub last: i64,
    /// Whether those, too, that the endpoint's filter does not want.
    #[serde(default)]
    pub unfiltered: bool,
}

/// What became of an event at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "we-5d0c2f8a91b34e67.1924ab00c0ffe",
    "endpoint": "we-5d0c2f8a91b34e67",
    "event": "018df74f801f-2a",
    "sequence": 42,
    "type": "operation.failed",
    "state": "delivered",
    "replayed": false,
    "attempts": 1,
    "first": "2026-03-01T11:58:04Z",
    "last": "2026-03-01T11:58:04Z",
    "status": 204,
    "duration_ms": 31,
    "detail": ""
}))]
pub struct Delivery {
    /// Its identifier; of a test it is empty.
    pub id: String,
    /// The endpoint.
    pub endpoint: String,
    /// The event's identifier.
    pub event: String,
    /// The event's number; 0 of a test.
    pub sequence: i64,
    /// The event's type, short.
    #[serde(rename = "type")]
    pub kind: String,
    /// `delivered`, `retrying` or `given_up`; of a test `delivered` or `failed`.
    pub state: String,
    /// Whether somebody asked for it once more.
    pub replayed: bool,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried first.
    pub first: String,
    /// When it was tried last.
    pub last: String,
    /// The HTTP status of the last attempt, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long the last attempt took.
    pub duration_ms: u32,
    /// How the answer to it begins, or why there was none.
    pub detail: String,
}
