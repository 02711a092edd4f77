//! OTLP in JSON: numbers of traces and spans in hexadecimal, 64-bit integers as texts,
//! members in lowerCamelCase.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};

use super::context::SpanContext;

/// The path of traces below an endpoint.
pub(super) const PATH: &str = "/v1/traces";

/// Media type.
pub(super) const JSON: &str = "application/json";

/// Bits of `flags`: whether it is known that the parent is in another process, and
/// whether it is.
const PARENT_IS_KNOWN: u32 = 0x100;
const PARENT_IS_REMOTE: u32 = 0x200;

/// What a span is in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Within this process.
    Internal = 1,
    /// Answers somebody.
    Server = 2,
    /// Asks somebody.
    Client = 3,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Text(Cow<'static, str>),
    Number(i64),
}

impl From<&'static str> for Said {
    fn from(text: &'static str) -> Self {
        Said::Text(text.into())
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Said::Text(text.into())
    }
}

impl From<u16> for Said {
    fn from(number: u16) -> Self {
        Said::Number(number.into())
    }
}

/// A span that has ended.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) context: SpanContext,
    pub(super) parent: Option<Parent>,
    pub(super) kind: Kind,
    pub(super) name: Cow<'static, str>,
    /// Nanoseconds since 1970.
    pub(super) begun: u64,
    pub(super) ended: u64,
    pub(super) attributes: Vec<(&'static str, Said)>,
    pub(super) failed: bool,
}

/// The span that caused another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parent {
    pub(super) span: u64,
    pub(super) is_remote: bool,
}

/// Who the spans are of.
pub(super) fn resource(service: &str, instance: &str) -> Value {
    let attributes = [
        ("service.name", service),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", instance),
    ];
    let attributes = attributes.map(|(key, text)| attribute(key, &Said::from(text.to_string())));
    json!({ "attributes": attributes })
}

/// An `ExportTraceServiceRequest`.
pub(super) fn request(resource: &Value, spans: &[Done]) -> Vec<u8> {
    let spans: Vec<Value> = spans.iter().map(span).collect();
    let scope = json!({ "name": "simurgh", "version": env!("CARGO_PKG_VERSION") });
    let request = json!({ "resourceSpans": [{
        "resource": resource,
        "scopeSpans": [{ "scope": scope, "spans": spans }],
    }] });
    request.to_string().into_bytes()
}

fn span(done: &Done) -> Value {
    let SpanContext { trace, span, .. } = done.context;
    let attributes = done.attributes.iter();
    let attributes: Vec<Value> = attributes.map(|(key, said)| attribute(key, said)).collect();
    let remote = match done.parent {
        Some(Parent {
            is_remote: true, ..
        }) => PARENT_IS_REMOTE,
        _ => 0,
    };
    let mut value = json!({
        "traceId": format!("{trace:032x}"),
        "spanId": format!("{span:016x}"),
        "flags": 1 | PARENT_IS_KNOWN | remote,
        "name": done.name,
        "kind": done.kind as u8,
        "startTimeUnixNano": done.begun.to_string(),
        "endTimeUnixNano": done.ended.to_string(),
        "attributes": attributes,
    });
    if let Some(members) = value.as_object_mut() {
        if let Some(parent) = done.parent {
            let parent = format!("{:016x}", parent.span);
            members.insert("parentSpanId".to_string(), parent.into());
        }
        if done.failed {
            members.insert("status".to_string(), json!({ "code": 2 }));
        }
    }
    value
}

fn attribute(key: &str, said: &Said) -> Value {
    let value = match said {
        Said::Text(text) => json!({ "stringValue": text }),
        Said::Number(number) => json!({ "intValue": number.to_string() }),
    };
    json!({ "key": key, "value": value })
}

/// How many spans a collector rejects of what it took, and its words.
pub(super) fn rejected(body: &[u8]) -> (u64, String) {
    let response: Response = serde_json::from_slice(body).unwrap_or_default();
    let partial = response.partial_success.unwrap_or_default();
    let count = match &partial.rejected_spans {
        Value::String(text) => text.parse().unwrap_or(0),
        number => number.as_u64().unwrap_or(0),
    };
    (count, partial.error_message)
}

/// `ExportTraceServiceResponse`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    partial_success: Option<PartialSuccess>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PartialSuccess {
    rejected_spans: Value,
    error_message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_collector_rejects() {
        let of = |text: &str| rejected(text.as_bytes()).0;
        assert_eq!(of(r#"{"partialSuccess":{"rejectedSpans":"7"}}"#), 7);
        assert_eq!(of(r#"{"partialSuccess":{"rejectedSpans":7}}"#), 7);
        for nothing in [
            "",
            "{}",
            r#"{"partialSuccess":{}}"#,
            r#"{"partialSuccess":null}"#,
            r#"{"partialSuccess":{"rejectedSpans":"-1"}}"#,
            "<html>",
        ] {
            assert_eq!(of(nothing), 0, "{nothing}");
        }
    }
}
