//! ES15: an alternative SM-DS tells the root SM-DS. The suite is the one or the
//! other.

use serde_json::Value;

use super::bench::{Bench, Event, RootAnswer};
use super::es12::turned_away;
use crate::conform::case::{Case, Check, case, ensure, same, some};
use crate::conform::smdp::euicc::Euicc;
use crate::conform::smdp::http::{member, read};
use crate::conform::{Certificates, HttpMessage};

pub(super) const CASES: &[Case<Bench>] = &[
    case("DS-60", "as the root: RegisterEvent", register),
    case("DS-61", "as the root: DeleteEvent", delete),
    case("DS-62", "as the root: a caller without certificate", |b| {
        turned_away(b, "es15", Certificates::None)
    }),
    case(
        "DS-63",
        "as the alternative: an event is forwarded",
        forwarded,
    ),
    case("DS-64", "as the alternative: an event that stays", stays),
    case(
        "DS-65",
        "as the alternative: a device comes from the root",
        cascade,
    ),
    case(
        "DS-66",
        "as the alternative: a deletion is forwarded",
        forgotten,
    ),
    case("DS-67", "as the alternative: the root refuses", refused),
    case("DS-68", "as the alternative: the root is away", away),
    case(
        "DS-69",
        "as the alternative: what the root keeps is not deleted",
        kept,
    ),
];

fn as_smds(bench: &mut Bench, function: &str, mut body: Value) -> Check {
    if let Some(name) = body.pointer_mut("/header/functionRequesterIdentifier") {
        *name = "2.999.15".into();
    }
    let reply = bench.send("es15", function, &body, Certificates::Smds)?;
    read(function, &reply)?.ok(function).map(drop)
}

/// What an alternative SM-DS registers: its own address.
fn of_alternative(bench: &mut Bench) -> Check<(Euicc, Event)> {
    let euicc = bench.euicc()?;
    let event = Event {
        address: "alternative.conformance.example.com".into(),
        ..bench.event(&euicc)
    };
    let body = bench.registration(&event);
    as_smds(bench, "registerEvent", body)?;
    Ok((euicc, event))
}

fn register(bench: &mut Bench) -> Check {
    let (euicc, event) = of_alternative(bench)?;
    ensure(bench.is_there(&euicc, &event)?, "the event is told")
}

fn delete(bench: &mut Bench) -> Check {
    let (euicc, event) = of_alternative(bench)?;
    let body = bench.deletion(&event);
    as_smds(bench, "deleteEvent", body)?;
    ensure(!bench.is_there(&euicc, &event)?, "the event is gone")
}

/// An event that an SM-DP+ wants forwarded; the root has answered this.
fn to_forward(bench: &mut Bench, answer: RootAnswer) -> Check<(Euicc, Event)> {
    let root = bench.root()?;
    root.answer(answer);
    root.requests();
    let euicc = bench.euicc()?;
    let event = Event {
        forwarded: true,
        ..bench.event(&euicc)
    };
    Ok((euicc, event))
}

/// The EventID under which the root knows an event; the message is what it
/// should be.
fn at_root(bench: &Bench, message: &HttpMessage, event: &Event) -> Check<String> {
    same(
        "the certificate of the call",
        message.certificates,
        Certificates::Operator,
    )?;
    same(
        "the path",
        message.path.as_str(),
        "/gsma/rsp2/es15/registerEvent",
    )?;
    let body: Value = serde_json::from_slice(&message.body)?;
    some("header", body.get("header"))?;
    same("eid", member(&body, "eid")?, event.eid.clone())?;
    let address = member(&body, "rspServerAddress")?;
    let own = &bench.device.settings.address;
    ensure(
        address.eq_ignore_ascii_case(own),
        &format!("rspServerAddress is {address}, not the address of the subject"),
    )?;
    member(&body, "eventId")
}

/// An event that was forwarded, and its EventID at the root.
fn done(bench: &mut Bench) -> Check<(Euicc, Event, String)> {
    let (euicc, event) = to_forward(bench, RootAnswer::Done)?;
    bench.registered(&event)?.ok("registerEvent")?;
    let told = bench.told("registerEvent")?;
    same("calls of the root SM-DS", told.len(), 1)?;
    let told = some("a call of the root SM-DS", told.first())?;
    let event_id = at_root(bench, told, &event)?;
    Ok((euicc, event, event_id))
}

fn forwarded(bench: &mut Bench) -> Check {
    let (euicc, event, _) = done(bench)?;
    ensure(
        bench.is_there(&euicc, &event)?,
        "the event is told here, too",
    )
}

fn stays(bench: &mut Bench) -> Check {
    let (euicc, event) = to_forward(bench, RootAnswer::Done)?;
    let event = Event {
        forwarded: false,
        ..event
    };
    bench.registered(&event)?.ok("registerEvent")?;
    same(
        "calls of the root SM-DS",
        bench.told("registerEvent")?.len(),
        0,
    )?;
    ensure(bench.is_there(&euicc, &event)?, "the event is told")
}

fn cascade(bench: &mut Bench) -> Check {
    let (euicc, event, event_id) = done(bench)?;
    let found = bench.events(&euicc, Some(&event_id))?;
    let expected = vec![(event.event_id, event.address)];
    same("events by the EventID of the root", found, expected)
}

fn forgotten(bench: &mut Bench) -> Check {
    let (euicc, event, event_id) = done(bench)?;
    bench.deleted(&event)?.ok("deleteEvent")?;
    let told = bench.told("deleteEvent")?;
    same("calls of the root SM-DS", told.len(), 1)?;
    let told = some("a call of the root SM-DS", told.first())?;
    let body: Value = serde_json::from_slice(&told.body)?;
    same("eid", member(&body, "eid")?, event.eid.clone())?;
    same("eventId", member(&body, "eventId")?, event_id)?;
    ensure(!bench.is_there(&euicc, &event)?, "the event is gone")
}

fn refused(bench: &mut Bench) -> Check {
    let in_use = RootAnswer::Refused("8.9.5", "3.3");
    let (euicc, event) = to_forward(bench, in_use)?;
    let reply = bench.registered(&event)?;
    reply.refused_with("registerEvent", "8.9/4.2")?;
    ensure(!bench.is_there(&euicc, &event)?, "no event is registered")
}

fn away(bench: &mut Bench) -> Check {
    let (_, event) = to_forward(bench, RootAnswer::Away)?;
    let reply = bench.registered(&event)?;
    reply.refused_with("registerEvent", "8.9/5.1")?;
    // What did not come to its end can be done again.
    bench.root()?.answer(RootAnswer::Done);
    bench.registered(&event)?.ok("registerEvent").map(drop)
}

fn kept(bench: &mut Bench) -> Check {
    let (euicc, event, _) = done(bench)?;
    bench.root()?.answer(RootAnswer::Away);
    let reply = bench.deleted(&event)?;
    reply.refused_with("deleteEvent", "8.9/5.1")?;
    ensure(bench.is_there(&euicc, &event)?, "the event stays")?;
    bench.root()?.answer(RootAnswer::Done);
    bench.deleted(&event)?.ok("deleteEvent")?;
    ensure(!bench.is_there(&euicc, &event)?, "the event is gone")
}
