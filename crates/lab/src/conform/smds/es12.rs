//! ES12: SM-DP+s register and delete events.

use serde_json::{Value, json};

use super::bench::{Bench, Event};
use crate::conform::Certificates;
use crate::conform::case::{Case, Check, Stop, case, ensure, fail, one_of, same};
use crate::conform::smdp::euicc::Euicc;
use crate::conform::smdp::http::{Reply, read};

pub(super) const CASES: &[Case<Bench>] = &[
    case("DS-40", "RegisterEvent", register),
    case("DS-41", "the same call again is no second event", repeated),
    case("DS-42", "an EventID that is in use", in_use),
    case("DS-43", "one EventID for two eUICCs", two_euiccs),
    case("DS-44", "DeleteEvent", delete),
    case("DS-45", "an event that is not there", unknown),
    case("DS-46", "the event of another eUICC", of_another),
    case("DS-47", "the event of another server", of_another_server),
    case("DS-48", "a caller without certificate", |b| {
        stranger(b, Certificates::None)
    }),
    case("DS-49", "a caller whose certificate is nobody's", |b| {
        stranger(b, Certificates::Stranger)
    }),
    case("DS-50", "members that are missing", missing),
    case("DS-51", "members that are none", malformed),
];

/// An event that is registered.
fn one(bench: &mut Bench) -> Check<(Euicc, Event)> {
    let euicc = bench.euicc()?;
    let event = bench.event(&euicc);
    bench.registered(&event)?.ok("registerEvent")?;
    Ok((euicc, event))
}

fn register(bench: &mut Bench) -> Check {
    let (euicc, event) = one(bench)?;
    ensure(bench.is_there(&euicc, &event)?, "the event is told")
}

fn repeated(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let event = bench.event(&euicc);
    let body = bench.registration(&event);
    bench.es12("registerEvent", &body)?.ok("registerEvent")?;
    if let Reply::Refused(pair) = bench.es12("registerEvent", &body)? {
        same("codes of the second call", pair.as_str(), "8.9.5/3.3")?;
    }
    // Once, and not twice.
    ensure(bench.is_there(&euicc, &event)?, "the event is told")
}

fn in_use(bench: &mut Bench) -> Check {
    let (euicc, event) = one(bench)?;
    let reply = bench.registered(&event)?;
    reply.refused_with("registerEvent", "8.9.5/3.3")?;
    let elsewhere = Event {
        address: "elsewhere.conformance.example.com".into(),
        ..event.clone()
    };
    let reply = bench.registered(&elsewhere)?;
    reply.refused_with("registerEvent", "8.9.5/3.3")?;
    ensure(bench.is_there(&euicc, &event)?, "the first event stays")
}

fn two_euiccs(bench: &mut Bench) -> Check {
    let (_, event) = one(bench)?;
    let other = bench.euicc()?;
    let same_id = Event {
        eid: other.eid.to_string(),
        ..event
    };
    // An EventID is unique for one eUICC; some take it for unique at all.
    match bench.registered(&same_id)? {
        Reply::Ok(_) => ensure(bench.is_there(&other, &same_id)?, "the event is told"),
        Reply::Refused(pair) => same("codes", pair.as_str(), "8.9.5/3.3"),
    }
}

fn delete(bench: &mut Bench) -> Check {
    let (euicc, event) = one(bench)?;
    let stays = bench.event(&euicc);
    bench.registered(&stays)?.ok("registerEvent")?;
    bench.deleted(&event)?.ok("deleteEvent")?;
    ensure(!bench.is_there(&euicc, &event)?, "the event is gone")?;
    ensure(bench.is_there(&euicc, &stays)?, "the other event stays")?;
    let reply = bench.deleted(&event)?;
    reply.refused_with("deleteEvent, once too often", "8.9.5/3.9")?;
    // What was deleted can be registered again.
    bench.registered(&event)?.ok("registerEvent")?;
    ensure(bench.is_there(&euicc, &event)?, "the event is told")
}

fn unknown(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let event = bench.event(&euicc);
    let reply = bench.deleted(&event)?;
    reply.refused_with("deleteEvent", "8.9.5/3.9")
}

fn of_another(bench: &mut Bench) -> Check {
    let (euicc, event) = one(bench)?;
    let other = Event {
        eid: bench.euicc()?.eid.to_string(),
        ..event.clone()
    };
    let reply = bench.deleted(&other)?;
    reply.refused_with("deleteEvent", "8.9.5/3.9")?;
    ensure(bench.is_there(&euicc, &event)?, "the event stays")
}

fn of_another_server(bench: &mut Bench) -> Check {
    let (euicc, event) = one(bench)?;
    let mut body = bench.deletion(&event);
    set(&mut body, "/header/functionRequesterIdentifier", "2.999.15");
    let reply = bench.send("es12", "deleteEvent", &body, Certificates::Smds)?;
    let pair = read("deleteEvent", &reply)?.refused("deleteEvent")?;
    one_of(
        "codes",
        &pair.as_str(),
        &["8.9.5/3.9", "8.9.5/1.2", "1.1/1.2"],
    )?;
    ensure(bench.is_there(&euicc, &event)?, "the event stays")
}

/// A TLS alert, 401 or 403.
pub(super) fn turned_away(bench: &mut Bench, interface: &str, who: Certificates) -> Check {
    let euicc = bench.euicc()?;
    let event = bench.event(&euicc);
    let body = bench.registration(&event);
    match bench.send(interface, "registerEvent", &body, who) {
        Ok(reply) => one_of("the HTTP status", &reply.status, &[401, 403])?,
        // The handshake ended; whether the server is still there shows next.
        Err(Stop::Failed(_)) => {}
        Err(skipped) => return Err(skipped),
    }
    ensure(!bench.is_there(&euicc, &event)?, "no event is registered")
}

fn stranger(bench: &mut Bench, who: Certificates) -> Check {
    turned_away(bench, "es12", who)
}

fn set(body: &mut Value, pointer: &str, value: &str) {
    if let Some(member) = body.pointer_mut(pointer) {
        *member = json!(value);
    }
}

/// 400, or Failed with any codes.
fn not_executed(bench: &mut Bench, function: &str, body: &Value, what: &str) -> Check {
    let reply = bench.send("es12", function, body, Certificates::Operator)?;
    if reply.status == 400 {
        return Ok(());
    }
    match read(function, &reply)? {
        Reply::Refused(_) => Ok(()),
        Reply::Ok(_) => fail(format!("{function} is executed {what}")),
    }
}

fn missing(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let event = bench.event(&euicc);
    for name in ["header", "eid", "rspServerAddress", "eventId"] {
        let mut body = bench.registration(&event);
        if let Some(members) = body.as_object_mut() {
            members.remove(name);
        }
        not_executed(bench, "registerEvent", &body, &format!("without {name}"))?;
    }
    for name in ["header", "eid", "eventId"] {
        let mut body = bench.deletion(&event);
        if let Some(members) = body.as_object_mut() {
            members.remove(name);
        }
        not_executed(bench, "deleteEvent", &body, &format!("without {name}"))?;
    }
    ensure(!bench.is_there(&euicc, &event)?, "no event is registered")
}

fn malformed(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let event = bench.event(&euicc);
    let eid = &event.eid;
    let rows = [
        ("/eid", "8904903200000000"),
        ("/eid", "not an EID, though of 32 letters"),
        ("/eventId", ""),
    ];
    for (pointer, value) in rows {
        let mut body = bench.registration(&event);
        set(&mut body, pointer, value);
        let what = format!("with `{value}` as {pointer} of {eid}");
        not_executed(bench, "registerEvent", &body, &what)?;
    }
    same("events", bench.events(&euicc, None)?.len(), 0)
}
