//! Events and webhooks, on every engine.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fleet::events::{EventFilter, EventType, NewEvent, WebhookEndpoint, WebhookSecret};
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, Operation, OperationId, OperationKind, OperationState, Outcome};
use store::{
    Attempt, DeliveryFilter, Due, EuiccChange, EventPage, EventQuery, Replay, Settled, StoreError,
    TakenWebhook, Tenant, WebhookStore, acting,
};

use support::{Bench, Whole, suite};

fn eid(number: u64) -> Eid {
    let digits = format!("89049032{number:022}");
    let check = |check: u64| format!("{digits}{check:02}").parse::<Eid>().ok();
    (0..100).find_map(check).unwrap()
}

fn operation(eid: Eid, id: &str, at: u64) -> Operation {
    let kind = OperationKind::ListProfileInfo;
    Operation::queued(OperationId(id.to_string()), eid, kind, Timestamp(at))
}

fn executed(operation: &Operation, at: u64) -> Operation {
    Operation {
        state: OperationState::Executed {
            outcome: Outcome::Done,
        },
        since: Timestamp(at),
        ..operation.clone()
    }
}

fn commit(store: &dyn Whole, operations: &[Operation]) {
    let record = store.euicc(operations[0].eid).unwrap().unwrap();
    let change = EuiccChange {
        record: &record.value,
        version: record.version,
        operations,
        evidence: &[],
        now: Timestamp(0),
    };
    store.commit_euicc(&change).unwrap();
}

fn due(now: u64, limit: usize) -> Due {
    Due {
        now: Timestamp(now),
        again: Timestamp(now + 1_000),
        limit,
    }
}

/// Numbers all that waits.
fn number(store: &dyn Whole, now: u64) {
    while store.number_events("one", &due(now, 100)).unwrap() > 0 {}
}

fn all(store: &dyn Whole, after: i64) -> EventPage {
    let limit = usize::MAX;
    let query = EventQuery {
        after,
        limit,
        ..EventQuery::default()
    };
    store.events(&query).unwrap()
}

fn told(page: &EventPage) -> Vec<(i64, &'static str)> {
    let told = |event: &fleet::events::Event| (event.sequence, event.event.kind.short());
    page.events.iter().map(told).collect()
}

/// So many events of no device.
fn note(store: &dyn Whole, kinds: &[EventType], at: u64) {
    let events: Vec<NewEvent> = kinds
        .iter()
        .map(|kind| NewEvent::new(*kind, "devices/a".to_string(), Timestamp(at)))
        .collect();
    store.note_events(&events).unwrap();
    number(store, at);
}

fn endpoint(types: &[&str]) -> WebhookEndpoint {
    let secret = WebhookSecret::new([1; 32]);
    let url = "https://example.com/hook";
    WebhookEndpoint {
        filter: EventFilter::new(types, &[]).unwrap(),
        ..WebhookEndpoint::new(url, secret, Timestamp(0)).unwrap()
    }
}

fn attempt(at: u64, status: u16) -> Attempt {
    Attempt {
        at: Timestamp(at),
        status: Some(status),
        duration: 5,
        detail: "a".to_string(),
    }
}

fn take(store: &dyn Whole, now: u64) -> Option<TakenWebhook> {
    store.take_webhooks(&due(now, 10)).unwrap().pop()
}

/// Delivers all that the endpoint is to be told; gives the numbers.
fn deliver(store: &dyn Whole, taken: &TakenWebhook, now: u64) -> Vec<i64> {
    let mut delivered = Vec::new();
    while let Some(next) = store.next_delivery(taken, Timestamp(now)).unwrap() {
        delivered.push(next.event.sequence);
        let settled = Settled::Delivered(Timestamp(now + 1_000));
        let settled = store.settle_delivery(taken, &next, &attempt(now, 200), &settled);
        assert!(settled.unwrap());
    }
    delivered
}

const WRITERS: u64 = 3;
const EACH: u64 = 12;

/// Work on a device.
fn write_all(bench: &Bench, writer: u64) {
    let store = bench.whole();
    let eid = eid(writer);
    store.add_euicc(&EuiccRecord::new(eid, None, 0)).unwrap();
    for count in 0..EACH {
        let queued = operation(eid, &format!("op-{writer}-{count}"), count);
        store.add_operations(std::slice::from_ref(&queued)).unwrap();
        commit(&*store, &[executed(&queued, count)]);
    }
}

/// Numbers until all is numbered. Everybody's lease is over at once, so that others
/// number at the same time; now and then this one is killed and comes again.
fn number_until(bench: &Bench, name: u64, ended: &AtomicBool) {
    let mut store = bench.whole();
    for turn in 0_u64.. {
        let last = ended.load(Ordering::SeqCst);
        let due = Due::at(Timestamp(turn), 7);
        let holder = format!("{name}-{turn}");
        let count = store.number_events(&holder, &due).unwrap();
        if last && count == 0 {
            break;
        }
        if turn % 20 == 19 {
            store = bench.whole();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Reads what has numbers as it comes.
fn read_all(bench: &Bench, ended: &AtomicBool) -> Vec<fleet::events::Event> {
    let store = bench.whole();
    let (mut after, mut seen) = (0, Vec::new());
    let whole = i64::try_from(WRITERS * (1 + 2 * EACH)).unwrap();
    while after < whole || !ended.load(Ordering::SeqCst) {
        for event in all(&*store, after).events {
            assert_eq!(event.sequence, after + 1, "a gap");
            after = event.sequence;
            seen.push(event);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    seen
}

suite! {
    #[test]
    fn what_happens_is_told_in_its_order_and_once(bench: &Bench) {
        let store = bench.whole();
        let eid = eid(1);
        store.add_euicc(&EuiccRecord::new(eid, None, 0)).unwrap();
        let queued = operation(eid, "op-1", 1_000);
        store.add_operations(std::slice::from_ref(&queued)).unwrap();
        assert_eq!(all(&*store, 0).events, []);
        let done = executed(&queued, 2_000);
        commit(&*store, std::slice::from_ref(&done));
        // The same state again is no event.
        commit(&*store, &[done]);
        number(&*store, 3_000);
        store.remove_euicc(eid).unwrap();
        number(&*store, 4_000);
        let page = all(&*store, 0);
        let expected = [
            (1, "device.added"),
            (2, "operation.queued"),
            (3, "operation.executed"),
            (4, "device.removed"),
        ];
        assert_eq!(told(&page), expected);
        assert_eq!((page.through, page.last, page.forgotten), (4, 4, 0));
        assert_eq!(page.events[0].event.time, Timestamp(3_000));
        assert_eq!(page.events[2].event.time, Timestamp(2_000));
        assert_eq!(page.events[2].event.correlation_id.as_deref(), Some("op-1"));
        assert_eq!(told(&all(&*store, 3)), expected[3..]);
    }

    #[test]
    fn a_transaction_that_fails_tells_nothing(bench: &Bench) {
        let store = bench.whole();
        let unknown = store.add_operations(&[operation(eid(1), "op-1", 1)]);
        assert!(matches!(unknown, Err(StoreError::Unknown(_))));
        store.add_euicc(&EuiccRecord::new(eid(1), None, 0)).unwrap();
        let twice = [operation(eid(1), "op-1", 1), operation(eid(1), "op-1", 1)];
        assert!(store.add_operations(&twice).is_err());
        number(&*store, 9);
        assert_eq!(told(&all(&*store, 0)), [(1, "device.added")]);
    }

    /// Two servers whose clocks differ by an hour.
    #[test]
    fn states_of_an_operation_stay_in_order_whatever_the_clocks(bench: &Bench) {
        let (ahead, behind) = (bench.whole(), bench.whole());
        ahead.add_euicc(&EuiccRecord::new(eid(1), None, 0)).unwrap();
        let queued = operation(eid(1), "op-1", 3_600_000);
        ahead.add_operations(std::slice::from_ref(&queued)).unwrap();
        commit(&*behind, &[executed(&queued, 10)]);
        number(&*ahead, 3_600_000);
        let told = told(&all(&*ahead, 0));
        let of_operation: Vec<_> = told.iter().filter(|(_, kind)| kind.contains("operation")).collect();
        assert_eq!(of_operation[0].1, "operation.queued");
        assert_eq!(of_operation[1].1, "operation.executed");
    }

    #[test]
    fn who_numbers_keeps_it_until_it_is_gone(bench: &Bench) {
        let store = bench.whole();
        let kinds = [EventType::DeviceChanged; 3];
        store.note_events(&kinds.map(|kind| NewEvent::new(kind, "a".into(), Timestamp(1)))).unwrap();
        assert_eq!(store.number_events("one", &due(0, 2)).unwrap(), 2);
        // It was killed; another one waits until its time is over.
        let other = bench.whole();
        assert_eq!(other.number_events("two", &due(999, 9)).unwrap(), 0);
        assert_eq!(other.number_events("two", &due(1_000, 9)).unwrap(), 1);
        assert_eq!(told(&all(&*store, 0)).len(), 3);
    }

    /// Writers on devices of their own, two who number, one of them replaced again
    /// and again as after a kill, and a reader who never sees a gap.
    #[test]
    fn the_feed_has_no_gap_while_all_write_and_number(bench: &Bench) {
        let store = bench.whole();
        let ended = AtomicBool::new(false);
        let seen = std::thread::scope(|scope| {
            let ended = &ended;
            let write = |writer| scope.spawn(move || write_all(bench, writer));
            let writers: Vec<_> = (0..WRITERS).map(write).collect();
            let number = |name: u64| scope.spawn(move || number_until(bench, name, ended));
            let numberers = [0, 1].map(number);
            let reader = scope.spawn(move || read_all(bench, ended));
            for writer in writers {
                writer.join().unwrap();
            }
            ended.store(true, Ordering::SeqCst);
            for numberer in numberers {
                numberer.join().unwrap();
            }
            reader.join().unwrap()
        });
        for writer in 0..WRITERS {
            let subject = |id: u64| format!("operations/op-{writer}-{id}");
            for id in 0..EACH {
                let of_it = seen.iter().filter(|event| event.event.subject == subject(id));
                let kinds: Vec<_> = of_it.map(|event| event.event.kind.short()).collect();
                assert_eq!(kinds, ["operation.queued", "operation.executed"]);
            }
        }
        assert_eq!(all(&*store, 0).events, seen);
    }

    /// Numbers are a tenant's own, and so is who is told.
    #[test]
    fn tenants_have_feeds_of_their_own(bench: &Bench) {
        let (store, other) = (bench.whole(), "other".parse::<Tenant>().unwrap());
        let of_other = store.telling(other.clone());
        assert_eq!(store.tenants_to_number().unwrap(), []);
        assert_eq!(store.tenants_with_events().unwrap(), []);
        of_other.add_webhook("a", &endpoint(&[])).unwrap();
        assert_eq!(store.tenants_to_number().unwrap(), std::slice::from_ref(&other));
        let changed = NewEvent::new(EventType::DeviceChanged, "devices/a".into(), Timestamp(1));
        store.note_events(std::slice::from_ref(&changed)).unwrap();
        assert_eq!(store.tenants_to_number().unwrap().len(), 2);
        assert_eq!(of_other.number_events("one", &due(1, 9)).unwrap(), 1);
        number(&*store, 1);
        assert_eq!(store.tenants_to_number().unwrap(), []);
        assert_eq!(store.tenants_with_events().unwrap().len(), 2);
        assert_eq!(told(&all(&*store, 0)), [(1, "device.changed")]);
        let page = of_other.events(&EventQuery { limit: 9, ..EventQuery::default() }).unwrap();
        assert_eq!(told(&page), [(1, "webhook.added")]);
        assert_eq!(page.events[0].tenant, "other");

        assert_eq!(store.tenants_to_tell(Timestamp(1)).unwrap(), std::slice::from_ref(&other));
        assert!(store.take_webhooks(&due(1, 9)).unwrap().is_empty(), "it is another tenant's");
        let taken = of_other.take_webhooks(&due(1, 9)).unwrap().pop().unwrap();
        assert_eq!(store.tenants_to_tell(Timestamp(1)).unwrap(), [], "somebody tells it");
        let next = of_other.next_delivery(&taken, Timestamp(1)).unwrap().unwrap();
        let settled = Settled::Delivered(Timestamp(1));
        assert!(of_other.settle_delivery(&taken, &next, &attempt(1, 200), &settled).unwrap());
        assert_eq!(store.tenants_to_tell(Timestamp(1)).unwrap(), [], "it has all");
        let again = Replay { first: 1, last: 1, unfiltered: false, now: Timestamp(2) };
        of_other.replay("a", &again).unwrap();
        assert_eq!(store.tenants_to_tell(Timestamp(2)).unwrap(), [other]);
        assert!(store.webhook("a").unwrap().is_none());
    }

    /// What is done for somebody has his name, what happens by itself has none.
    #[test]
    fn events_name_who_made_them_happen(bench: &Bench) {
        let store = bench.whole();
        let queued = operation(eid(1), "op-1", 1);
        acting("user:noc", || {
            store.add_euicc(&EuiccRecord::new(eid(1), None, 0)).unwrap();
            store.add_operations(std::slice::from_ref(&queued)).unwrap();
        });
        commit(&*store, &[executed(&queued, 2)]);
        number(&*store, 3);
        let page = all(&*store, 0);
        let actors = page.events.iter().map(|event| event.event.actor.as_deref());
        assert_eq!(actors.collect::<Vec<_>>(), [Some("user:noc"), Some("user:noc"), None]);
    }

    #[test]
    fn a_page_says_how_far_it_looked(bench: &Bench) {
        use EventType::{DeviceAdded, DeviceChanged};
        let store = bench.whole();
        note(&*store, &[DeviceAdded, DeviceChanged, DeviceChanged, DeviceAdded, DeviceChanged], 1);
        let page = |after, limit, types: &[&str], subjects: &[&str]| {
            let filter = EventFilter::new(types, subjects).unwrap();
            let page = store.events(&EventQuery { after, limit, filter }).unwrap();
            (page.events.iter().map(|event| event.sequence).collect::<Vec<_>>(), page.through)
        };
        assert_eq!(page(0, 2, &[], &[]), (vec![1, 2], 2));
        assert_eq!(page(0, 1, &["device.added"], &[]), (vec![1], 1));
        assert_eq!(page(1, 9, &["device.added"], &[]), (vec![4], 5));
        assert_eq!(page(0, 9, &[], &["devices/b"]), (vec![], 5));
        assert_eq!(page(7, 9, &[], &[]), (vec![], 7));
    }

    #[test]
    fn an_endpoint_is_told_in_order_by_one_at_a_time(bench: &Bench) {
        use EventType::{DeviceAdded, DeviceChanged};
        let store = bench.whole();
        note(&*store, &[DeviceAdded], 1);
        store.add_webhook("a", &endpoint(&["device.changed"])).unwrap();
        let twice = store.add_webhook("a", &endpoint(&[]));
        assert!(matches!(twice, Err(StoreError::Exists(_))));
        note(&*store, &[DeviceChanged, DeviceAdded, DeviceChanged], 2);
        let first = take(&*store, 10).unwrap();
        assert_eq!(take(&*store, 10), None, "somebody has it");
        let next = store.next_delivery(&first, Timestamp(10)).unwrap().unwrap();
        assert_eq!(next.event.event.kind, DeviceChanged);
        // Whoever has it is killed: another one gets it, and the first one, if it
        // comes back, does nothing any more.
        let second = take(&*store, 1_010).unwrap();
        let settled = Settled::Delivered(Timestamp(9_000));
        assert!(!store.settle_delivery(&first, &next, &attempt(11, 200), &settled).unwrap());
        assert_eq!(store.next_delivery(&first, Timestamp(1_010)).unwrap(), None);
        let delivered = deliver(&*store, &second, 1_010);
        assert_eq!(delivered, [next.event.sequence, next.event.sequence + 2]);
        assert_eq!(take(&*store, 1_011), None, "there is nothing to tell");
        note(&*store, &[DeviceChanged], 3);
        assert!(take(&*store, 1_012).is_some());
    }

    #[test]
    fn an_endpoint_that_fails_gets_the_same_event_until_it_is_disabled(bench: &Bench) {
        let store = bench.whole();
        store.add_webhook("a", &endpoint(&["device.*"])).unwrap();
        note(&*store, &[EventType::DeviceAdded, EventType::DeviceChanged], 2);
        let taken = take(&*store, 10).unwrap();
        let next = store.next_delivery(&taken, Timestamp(10)).unwrap().unwrap();
        let again = Settled::Again(Timestamp(500));
        assert!(!store.settle_delivery(&taken, &next, &attempt(11, 503), &again).unwrap());
        assert_eq!(take(&*store, 499), None);
        let taken = take(&*store, 500).unwrap();
        let same = store.next_delivery(&taken, Timestamp(500)).unwrap().unwrap();
        assert_eq!((same.event.sequence, same.attempts), (next.event.sequence, 1));
        assert_eq!(same.failing_since, Some(Timestamp(11)));
        let disabled = Settled::Disabled("it failed for a day".to_string());
        assert!(!store.settle_delivery(&taken, &same, &attempt(501, 503), &disabled).unwrap());
        assert_eq!(take(&*store, 100_000), None);
        let list = store.deliveries(&DeliveryFilter { limit: 9, ..DeliveryFilter::default() });
        let list = list.unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!((list[0].state.as_str(), list[0].attempts), ("given_up", 2));
        assert_eq!((list[0].first, list[0].last.at), (Timestamp(11), Timestamp(501)));
        // It says so, and once it is enabled it goes on where it was.
        number(&*store, 600);
        assert!(told(&all(&*store, 0)).iter().any(|(_, kind)| *kind == "webhook.disabled"));
        let mut stored = store.webhook("a").unwrap().unwrap();
        assert_eq!(stored.endpoint.value.disabled.as_ref().unwrap().since, Timestamp(501));
        stored.endpoint.value.disabled = None;
        store.change_webhook("a", &stored.endpoint, Timestamp(700)).unwrap();
        let late = store.change_webhook("a", &stored.endpoint, Timestamp(700));
        assert!(matches!(late, Err(StoreError::Conflict)));
        let taken = take(&*store, 701).unwrap();
        let first = next.event.sequence;
        assert_eq!(deliver(&*store, &taken, 701), [first, first + 1]);
    }

    #[test]
    fn a_replay_comes_before_what_is_new(bench: &Bench) {
        use EventType::{DeviceAdded, DeviceChanged};
        let store = bench.whole();
        note(&*store, &[DeviceAdded, DeviceChanged, DeviceAdded], 1);
        store.add_webhook("a", &endpoint(&["device.added"])).unwrap();
        note(&*store, &[DeviceAdded], 2);
        let replay = |first, last, unfiltered| {
            let now = Timestamp(3);
            store.replay("a", &Replay { first, last, unfiltered, now })
        };
        for (first, last) in [(0, 1), (1, 99), (2, 1)] {
            assert!(matches!(replay(first, last, false), Err(StoreError::Unknown(_))));
        }
        replay(1, 3, false).unwrap();
        replay(2, 2, true).unwrap();
        let taken = take(&*store, 10).unwrap();
        let last = all(&*store, 0).events.iter().rev()
            .find(|event| event.event.kind == DeviceAdded).unwrap().sequence;
        assert_eq!(deliver(&*store, &taken, 10), [1, 3, 2, last]);
        let of_two = DeliveryFilter { sequence: Some(2), limit: 9, ..DeliveryFilter::default() };
        assert!(store.deliveries(&of_two).unwrap()[0].replayed);
        assert_eq!(store.forget_deliveries(Timestamp(10)).unwrap(), 0);
        assert_eq!(store.forget_deliveries(Timestamp(11)).unwrap(), 4);
    }

    #[test]
    fn old_events_are_forgotten_but_not_those_that_an_endpoint_waits_for(bench: &Bench) {
        let store = bench.whole();
        note(&*store, &[EventType::DeviceAdded; 3], 10);
        note(&*store, &[EventType::DeviceAdded; 2], 20);
        store.add_webhook("a", &endpoint(&[])).unwrap();
        number(&*store, 30);
        assert_eq!(store.forget_events(Timestamp(15), 2).unwrap(), 2);
        assert_eq!(store.forget_events(Timestamp(15), 100).unwrap(), 1);
        assert_eq!(store.forget_events(Timestamp(15), 100).unwrap(), 0);
        let page = all(&*store, 0);
        assert_eq!((page.forgotten, page.events[0].sequence), (3, 4));
        // All that it has to do with the endpoint is there.
        assert_eq!(store.forget_events(Timestamp(99), 100).unwrap(), 2);
        let last = all(&*store, 0).last;
        assert_eq!(all(&*store, 0).events.len(), usize::try_from(last).unwrap() - 5);
        store.remove_webhook("a", Timestamp(40)).unwrap();
        let gone = store.remove_webhook("a", Timestamp(40));
        assert!(matches!(gone, Err(StoreError::Unknown(_))));
        assert!(store.forget_events(Timestamp(99), 100).unwrap() > 0);
    }
}

/// No secret of an endpoint rests readable.
#[test]
fn an_endpoint_rests_sealed_and_changes_its_key() {
    let folder = support::Folder::new("webhook-sealed");
    let secret = WebhookSecret::new(*b"mark-of-a-webhook-secret-32-long");
    let url = "https://example.com/mark-url";
    let endpoint = WebhookEndpoint::new(url, secret.clone(), Timestamp(0)).unwrap();
    folder.open(1).unwrap().add_webhook("a", &endpoint).unwrap();
    let octets = support::octets(&folder.0);
    let shown = secret.reveal();
    for mark in [&b"mark-of-a-webhook"[..], b"mark-url", shown.as_bytes()] {
        assert!(!octets.windows(mark.len()).any(|window| window == mark));
    }
    let (old, new) = (support::sealer(1), support::sealer(2));
    store::SqliteStore::reseal(&folder.file(), old, new).unwrap();
    let opened = folder.open(2).unwrap().webhook("a").unwrap().unwrap();
    assert_eq!(opened.endpoint.value, endpoint);
}
