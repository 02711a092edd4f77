//! Download sessions that go on too long, end early, or meet another one: the
//! order follows what the eUICC proved and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod smdp_support;

use std::time::Duration;

use rsp_asn1::rsp::{CancelSessionReason, PendingNotification};
use rsp_core::binding::es9plus_json::HandleNotificationRequest;
use rsp_core::smdp::{OrderState, RESULT_LIFETIME, SESSION_LIFETIME, Session};
use smdp_support::{Bench, START};
use store::SmdpChange;

/// A reason that ends the order, one that keeps it.
const FINAL: CancelSessionReason = CancelSessionReason::LOAD_BPP_EXECUTION_ERROR;
const FOR_NOW: CancelSessionReason = CancelSessionReason::POSTPONED;

/// What is stored of an order: state and version.
fn stored(bench: &Bench, number: u32) -> (OrderState, i64) {
    let order = bench.host.store().order(smdp_support::iccid(number));
    let order = order.unwrap().unwrap();
    (order.value.state, order.version)
}

#[test]
fn a_session_can_be_cancelled_before_and_after_the_package() {
    for (reason, delivered, state) in [
        (FINAL, false, OrderState::Error),
        (FOR_NOW, false, OrderState::Released),
        (FINAL, true, OrderState::Error),
        (CancelSessionReason::TIMEOUT, true, OrderState::Released),
    ] {
        let mut bench = Bench::new();
        let card = bench.card(1);
        bench.released(1, None, "TOKEN");
        let id = match delivered {
            false => bench.offered(&card, Some("TOKEN")).transaction_id,
            true => bench.delivered(&card, Some("TOKEN")),
        };
        let request = card.cancel(&id, reason);
        bench.send(&request).unwrap();
        assert_eq!(bench.order(1).state, state, "{reason:?} {delivered}");
        // The same again gets the same answer; anything else is too late.
        bench.send(&request).unwrap();
        let again = card.cancel(&id, CancelSessionReason::UNDEFINED_REASON);
        assert_eq!(bench.refusal(&again), "8.10.1/3.9");
        if state != OrderState::Error {
            bench.delivered(&card, Some("TOKEN"));
        }
    }
}

#[test]
fn a_stale_cancellation_changes_no_order() {
    let mut bench = Bench::new();
    let (first, second) = (bench.card(1), bench.card(2));
    bench.released(1, None, "TOKEN");
    let stale = bench.offered(&first, Some("TOKEN")).transaction_id;
    let id = bench.delivered(&second, Some("TOKEN"));
    let before = stored(&bench, 1);
    assert_eq!(before.0, OrderState::Downloaded);
    bench.send(&first.cancel(&stale, FINAL)).unwrap();
    assert_eq!(stored(&bench, 1), before);

    // Nor does the winner's own older session once the profile is installed.
    let stale = bench.delivered(&second, Some("TOKEN"));
    assert_eq!(bench.raw(&second.result(&id, true)).status, 204);
    let before = stored(&bench, 1);
    assert_eq!(before.0, OrderState::Installed);
    bench.send(&second.cancel(&stale, FINAL)).unwrap();
    assert_eq!(stored(&bench, 1), before);
}

#[test]
fn an_error_never_undoes_an_installation() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let interrupted = bench.delivered(&card, Some("TOKEN"));
    let id = bench.delivered(&card, Some("TOKEN"));
    assert_eq!(bench.raw(&card.result(&id, true)).status, 204);
    let before = stored(&bench, 1);
    assert_eq!(before.0, OrderState::Installed);
    assert_eq!(bench.raw(&card.result(&interrupted, false)).status, 204);
    assert_eq!(stored(&bench, 1), before);
}

#[test]
fn the_result_of_another_eid_changes_no_order() {
    let mut bench = Bench::new();
    let (card, stranger) = (bench.card(1), bench.card(2));
    bench.released(1, None, "TOKEN");
    let id = bench.delivered(&card, Some("TOKEN"));
    // The operator's data was corrected: the order is another eUICC's now.
    let mut order = bench.host.store().order(smdp_support::iccid(1)).unwrap();
    let order = order.as_mut().unwrap();
    order.value.delivered_to = Some(stranger.eid);
    let change = SmdpChange::of_order(order, START);
    bench.host.store().commit_smdp(&change).unwrap();
    let before = stored(&bench, 1);
    assert_eq!(bench.raw(&card.result(&id, true)).status, 204);
    assert_eq!(stored(&bench, 1), before);
}

#[test]
fn a_session_expires() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let started = bench.started(&card);
    let request = card.authenticate(&started, Some("TOKEN"));
    bench.now = START.after(SESSION_LIFETIME);
    assert_eq!(bench.refusal(&request), "8.10.1/3.9");

    // Each step gives it time again, up to but not at the end.
    let offered = bench.offered(&card, Some("TOKEN"));
    let almost = SESSION_LIFETIME - Duration::from_millis(1);
    bench.now = bench.now.after(almost);
    let request = card.get_package(&offered);
    bench.send(&request).unwrap();
    bench.now = bench.now.after(almost);
    bench.send(&request).unwrap();
    bench.now = bench.now.after(Duration::from_millis(1));
    assert_eq!(bench.refusal(&request), "8.10.1/3.9");
    let cancel = card.cancel(&offered.transaction_id, FINAL);
    assert_eq!(bench.refusal(&cancel), "8.10.1/3.9");
}

#[test]
fn sessions_that_nobody_needs_are_deleted() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let waiting = bench.delivered(&card, Some("TOKEN"));
    let given_up = bench.started(&card).transaction_id;
    let there = |bench: &Bench, id| bench.host.store().session(id).unwrap().is_some();

    bench.now = START.after(SESSION_LIFETIME);
    bench.started(&card);
    assert!(!there(&bench, &given_up));
    // A result may come late.
    assert!(there(&bench, &waiting));
    assert_eq!(bench.raw(&card.result(&waiting, true)).status, 204);
    assert_eq!(bench.order(1).state, OrderState::Installed);

    bench.released(2, None, "OTHER");
    let waiting = bench.delivered(&card, Some("OTHER"));
    bench.now = bench.now.after(RESULT_LIFETIME);
    bench.started(&card);
    assert!(!there(&bench, &waiting));
}

#[test]
fn the_package_is_dropped_when_its_result_came() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let offered = bench.offered(&card, Some("TOKEN"));
    let id = offered.transaction_id.clone();
    let request = card.get_package(&offered);
    let first = bench.raw(&request);
    assert_eq!(bench.raw(&request), first);
    bench.raw(&card.result(&id, true));
    let session = bench.host.store().session(&id).unwrap().unwrap().value;
    assert_eq!(session.session, Session::Ended);
    assert!(session.reply.is_empty());
    assert_eq!(bench.refusal(&request), "8.10.1/3.9");
}

#[test]
fn a_result_that_is_not_proven_is_left_to_the_card() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    let forger = bench.card(1);
    bench.released(1, None, "TOKEN");
    let id = bench.delivered(&card, Some("TOKEN"));
    let session = |bench: &Bench| bench.host.store().session(&id).unwrap().unwrap();
    let before = (session(&bench), stored(&bench, 1));

    let response = bench.raw(&forger.result(&id, true));
    assert_eq!(response.status, 400);
    assert!(String::from_utf8_lossy(&response.body).contains("not executed"));
    assert_eq!((session(&bench), stored(&bench, 1)), before);

    // A result of a session that has delivered nothing is none.
    let early = bench.offered(&card, Some("TOKEN")).transaction_id;
    assert_eq!(bench.raw(&card.result(&early, true)).status, 400);

    assert_eq!(bench.raw(&card.result(&id, true)).status, 204);
    assert_eq!(bench.order(1).state, OrderState::Installed);
    // Again, and of a transaction that nobody knows: no news.
    assert_eq!(bench.raw(&card.result(&id, true)).status, 204);
    let unknown = rsp_asn1::ids::TransactionId::from_bytes(&[9; 16]).unwrap();
    assert_eq!(bench.raw(&forger.result(&unknown, false)).status, 204);
    assert_eq!(bench.order(1).state, OrderState::Installed);
}

#[test]
fn other_notifications_are_kept_before_they_are_acknowledged() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    let kept = |bench: &Bench| bench.host.store().smdp_notifications(card.eid).unwrap();
    let der = |request: &HandleNotificationRequest| match &request.pending_notification {
        PendingNotification::Other(other) => other.as_bytes().to_vec(),
        other => panic!("{other:?}"),
    };
    let (second, first) = (card.enabled(2, &card), card.enabled(1, &card));
    assert_eq!(bench.raw(&second).status, 204);
    assert_eq!(bench.raw(&first).status, 204);
    assert_eq!(bench.raw(&first).status, 204);
    assert_eq!(kept(&bench), [der(&first), der(&second)]);

    let forger = bench.card(1);
    let response = bench.raw(&card.enabled(3, &forger));
    assert_eq!(response.status, 400);
    assert!(String::from_utf8_lossy(&response.body).contains("not executed"));
    assert_eq!(kept(&bench).len(), 2);

    // Another notification with a number that is taken would not be kept.
    let same_eid = forger.enabled(2, &forger);
    assert_eq!(bench.raw(&same_eid).status, 400);
    assert_eq!(kept(&bench), [der(&first), der(&second)]);
}
