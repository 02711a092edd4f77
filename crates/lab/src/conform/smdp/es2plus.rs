//! ES2+ (SGP.22 5.3), the 17 rows of the catalogue.

use serde_json::{Value, json};

use super::bench::{Bench, Order};
use super::http::{Reply, member};
use crate::conform::Certificates;
use crate::conform::case::{Case, Check, case, ensure, one_of, same, skip};

pub(super) const CASES: &[Case<Bench>] = &[
    case("ES2-01", "downloadOrder by ICCID", by_iccid),
    case("ES2-02", "downloadOrder by profileType", by_type),
    case("ES2-03", "downloadOrder: the ICCID is in use", in_use),
    case("ES2-04", "downloadOrder: the ICCID is unknown", |b| {
        unknown(b, "downloadOrder")
    }),
    case("ES2-05", "confirmOrder", confirm),
    case("ES2-06", "confirmOrder: the ICCID is unknown", |b| {
        unknown(b, "confirmOrder")
    }),
    case("ES2-07", "confirmOrder: nothing is ordered", |b| {
        not_ordered(b, "confirmOrder")
    }),
    case(
        "ES2-08",
        "confirmOrder: the MatchingID of another order",
        conflict,
    ),
    case(
        "ES2-09",
        "confirmOrder: an SM-DS that cannot be used",
        no_smds,
    ),
    case(
        "ES2-10",
        "confirmOrder: no EID and an empty MatchingID",
        nobody,
    ),
    case("ES2-11", "confirmOrder: another EID", other_eid),
    case("ES2-12", "cancelOrder", cancel),
    case("ES2-13", "cancelOrder: the ICCID is unknown", |b| {
        unknown(b, "cancelOrder")
    }),
    case("ES2-14", "cancelOrder: the EID is missing", missing_eid),
    case(
        "ES2-15",
        "cancelOrder: another MatchingID",
        other_matching_id,
    ),
    case("ES2-16", "cancelOrder: nothing is ordered", |b| {
        not_ordered(b, "cancelOrder")
    }),
    case(
        "ES2-17",
        "a client whose certificate is a stranger's",
        stranger,
    ),
];

/// A profile that was ordered and then given back: it is free and known.
fn free(bench: &mut Bench) -> Check<String> {
    let iccid = bench.allocated(&Order::default())?;
    let body = json!({ "iccid": iccid, "finalProfileStatusIndicator": "Available" });
    bench.es2plus("cancelOrder", body)?.ok("cancelOrder")?;
    Ok(iccid)
}

/// A request with the members that each function needs.
fn body(function: &str, iccid: &str) -> Value {
    match function {
        "confirmOrder" => json!({ "iccid": iccid, "releaseFlag": true }),
        "cancelOrder" => json!({ "iccid": iccid, "finalProfileStatusIndicator": "Available" }),
        _ => json!({ "iccid": iccid }),
    }
}

fn by_iccid(bench: &mut Bench) -> Check {
    let iccid = free(bench)?;
    let order = bench.es2plus("downloadOrder", json!({ "iccid": iccid }))?;
    let found = member(&order.ok("downloadOrder")?, "iccid")?;
    same("iccid", found.trim_end_matches('F'), iccid.as_str())?;
    // The same parameters again are the same order.
    let again = bench.es2plus("downloadOrder", json!({ "iccid": iccid }))?;
    again.ok("downloadOrder, once more").map(drop)
}

fn by_type(bench: &mut Bench) -> Check {
    let (first, second) = (
        bench.allocated(&Order::default())?,
        bench.allocated(&Order::default())?,
    );
    ensure(first != second, "each order gets a profile of its own")
}

fn in_use(bench: &mut Bench) -> Check {
    let (first, second) = (bench.euicc()?, bench.euicc()?);
    let eid = first.eid.to_string();
    let iccid = bench.allocated(&Order {
        eid: Some(&eid),
        ..Order::default()
    })?;
    let body = json!({ "iccid": iccid, "eid": second.eid.to_string() });
    let reply = bench.es2plus("downloadOrder", body)?;
    reply.refused_with("downloadOrder", "8.2.1/3.3")
}

fn unknown(bench: &mut Bench, function: &str) -> Check {
    let body = body(function, "8999999999999999999");
    bench
        .es2plus(function, body)?
        .refused_with(function, "8.2.1/3.9")
}

fn not_ordered(bench: &mut Bench, function: &str) -> Check {
    let Some(iccid) = bench.settings.free_iccid.clone() else {
        return skip("no ICCID is given that nobody has ordered (--free-iccid)");
    };
    let reply = bench.es2plus(function, body(function, &iccid))?;
    reply.refused(function).map(drop)
}

fn confirm(bench: &mut Bench) -> Check {
    let ordered = bench.order(&Order::default())?;
    ensure(!ordered.matching_id.is_empty(), "a MatchingID is made")?;
    let again = bench.confirm(&ordered.iccid, &Order::default())?;
    let again = member(&again.ok("confirmOrder, once more")?, "matchingId")?;
    same(
        "the MatchingID of the repetition",
        again,
        ordered.matching_id,
    )?;
    let chosen = bench.matching_id();
    let order = Order {
        matching_id: Some(&chosen),
        ..Order::default()
    };
    bench.order(&order).map(drop)
}

fn conflict(bench: &mut Bench) -> Check {
    let chosen = bench.matching_id();
    let order = Order {
        matching_id: Some(&chosen),
        ..Order::default()
    };
    bench.order(&order)?;
    let iccid = bench.allocated(&order)?;
    let reply = bench.confirm(&iccid, &order)?;
    reply.refused_with("confirmOrder", "8.2.6/3.3")
}

fn no_smds(bench: &mut Bench) -> Check {
    let eid = bench.euicc()?.eid.to_string();
    let iccid = bench.allocated(&Order {
        eid: Some(&eid),
        ..Order::default()
    })?;
    let body = json!({
        "iccid": iccid, "eid": eid, "releaseFlag": true, "matchingId": bench.matching_id(),
        "smdsAddress": "smds.invalid",
    });
    match bench.es2plus("confirmOrder", body)? {
        Reply::Refused(pair) => one_of("codes", &pair.as_str(), &["8.9/5.1", "8.9/4.2"]),
        Reply::Ok(_) => skip("events are registered later than confirmOrder is answered"),
    }
}

fn nobody(bench: &mut Bench) -> Check {
    let order = Order {
        matching_id: Some(""),
        ..Order::default()
    };
    let iccid = bench.allocated(&order)?;
    let reply = bench.confirm(&iccid, &order)?;
    reply.refused_with("confirmOrder", "8.1.1/2.2")
}

fn other_eid(bench: &mut Bench) -> Check {
    let (first, second) = (bench.euicc()?, bench.euicc()?);
    let (first, second) = (first.eid.to_string(), second.eid.to_string());
    let iccid = bench.allocated(&Order {
        eid: Some(&first),
        ..Order::default()
    })?;
    let other = Order {
        eid: Some(&second),
        ..Order::default()
    };
    let reply = bench.confirm(&iccid, &other)?;
    reply.refused_with("confirmOrder", "8.1.1/3.10")
}

fn cancel(bench: &mut Bench) -> Check {
    let iccid = free(bench)?;
    // Available again: it can be ordered.
    let order = bench.es2plus("downloadOrder", json!({ "iccid": iccid }))?;
    order.ok("downloadOrder")?;
    let body = json!({ "iccid": iccid, "finalProfileStatusIndicator": "Unavailable" });
    bench.es2plus("cancelOrder", body)?.ok("cancelOrder")?;
    let order = bench.es2plus("downloadOrder", json!({ "iccid": iccid }))?;
    order.refused("downloadOrder").map(drop)
}

fn missing_eid(bench: &mut Bench) -> Check {
    let eid = bench.euicc()?.eid.to_string();
    let iccid = bench.allocated(&Order {
        eid: Some(&eid),
        ..Order::default()
    })?;
    let reply = bench.es2plus("cancelOrder", body("cancelOrder", &iccid))?;
    reply.refused("cancelOrder").map(drop)
}

fn other_matching_id(bench: &mut Bench) -> Check {
    let ordered = bench.order(&Order::default())?;
    let mut body = body("cancelOrder", &ordered.iccid);
    if let Some(members) = body.as_object_mut() {
        members.insert("matchingId".into(), "NOT-THIS-ONE".into());
    }
    let reply = bench.es2plus("cancelOrder", body)?;
    reply.refused_with("cancelOrder", "8.2.6/3.10")
}

fn stranger(bench: &mut Bench) -> Check {
    let body = body("downloadOrder", "8999999999999999999");
    let path = "/gsma/rsp2/es2plus/downloadOrder";
    for certificates in [Certificates::Stranger, Certificates::None] {
        // A refused handshake is as good as an answer.
        if let Ok(reply) = bench.post(path, &body, certificates) {
            one_of("the HTTP status", &reply.status, &[401, 403])?;
        }
    }
    Ok(())
}
