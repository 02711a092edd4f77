//! What is told of an operation.

use rsp_core::eim::{Operation, OperationKind, Outcome};
use serde_json::{Map, Value};

use super::event::NewEvent;
use super::kind::EventType;

/// The event of the state that an operation is in. Of what it is to do only names
/// are told: an activation code or a key stays where it is.
pub fn of_operation(operation: &Operation) -> Option<NewEvent> {
    let kind = EventType::of_operation(operation.state.name())?;
    let first = operation.ordered_with.as_ref().unwrap_or(&operation.id);
    Some(NewEvent {
        correlation_id: Some(first.to_string()),
        data: data(operation),
        ..NewEvent::new(
            kind,
            format!("operations/{}", operation.id),
            operation.since,
        )
    })
}

fn data(operation: &Operation) -> Value {
    let mut data = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        data.extend(value.map(|value| (name.to_string(), Value::String(value))));
    };
    put("operation", Some(operation.id.to_string()));
    put("eid", Some(operation.eid.to_string()));
    put("kind", Some(operation.kind.name().to_string()));
    put("state", Some(operation.state.name().to_string()));
    put("iccid", iccid(operation));
    put("reason", operation.state.reason().map(str::to_string));
    let poll = operation.state.poll();
    put("plmn", poll.and_then(|poll| poll.r_plmn.clone()));
    let reconciles = operation.reconciles.as_ref();
    put("reconciles", reconciles.map(ToString::to_string));
    if operation.unverified {
        data.insert("unverified".to_string(), Value::Bool(true));
    }
    Value::Object(data)
}

/// The profile that it is about.
fn iccid(operation: &Operation) -> Option<String> {
    match (&operation.kind, operation.state.outcome()) {
        (
            OperationKind::Enable { iccid, .. }
            | OperationKind::Disable { iccid }
            | OperationKind::Delete { iccid }
            | OperationKind::SetFallbackAttribute { iccid },
            _,
        ) => Some(iccid.to_string()),
        (_, Some(Outcome::Installed { iccid })) => iccid.map(|iccid| iccid.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rsp_core::Timestamp;
    use rsp_core::eim::{OperationId, OperationState};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_download_is_told_without_its_activation_code() {
        let kind = OperationKind::Download {
            activation_code: "LPA:1$smdp.example.com$MARK".to_string(),
        };
        let eid = "89049032123451234512345678901235".parse().unwrap();
        let id = OperationId("op-1".to_string());
        let operation = Operation {
            state: OperationState::Failed {
                reason: "no memory".to_string(),
            },
            since: Timestamp(7),
            ..Operation::queued(id, eid, kind, Timestamp(1))
        };
        let event = of_operation(&operation).unwrap();
        assert_eq!(event.kind, EventType::OperationFailed);
        assert_eq!(event.subject, "operations/op-1");
        assert_eq!(event.time, Timestamp(7));
        let expected = json!({
            "operation": "op-1",
            "eid": "89049032123451234512345678901235",
            "kind": "download",
            "state": "failed",
            "reason": "no memory",
        });
        assert_eq!(event.data, expected);
    }
}
