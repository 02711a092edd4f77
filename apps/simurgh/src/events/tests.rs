//! Webhooks to a receiver that is not ours: Python, with the library of Standard
//! Webhooks.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]

#[path = "../../tests/support/receiver.rs"]
mod receiver;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use fleet::events::{EventFilter, EventType, NewEvent, WebhookEndpoint, WebhookSecret};
use rsp_crypto::software::Sealer;
use store::{EventStore, SqliteStore, WebhookStore};

use super::*;
use receiver::{Receiver, is_there};

static NOW: AtomicU64 = AtomicU64::new(1_700_000_000_000);

/// The tests here run one after the other: they share a clock.
static CLOCK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn now() -> Timestamp {
    Timestamp(NOW.load(Ordering::SeqCst))
}

fn pass(duration: Duration) {
    let millis = u64::try_from(duration.as_millis()).unwrap();
    NOW.fetch_add(millis, Ordering::SeqCst);
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// With a certificate of a receiver.
fn folder(test: &str) -> Folder {
    let name = format!("simurgh-webhooks-{test}-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    receiver::certificate(&folder);
    Folder(folder)
}

struct World {
    folder: Folder,
    store: Arc<SqliteStore>,
    teller: Arc<Teller>,
}

fn world(test: &str, networks: &[&str]) -> World {
    let folder = folder(test);
    let sealer = Sealer::new([1; 32]);
    let store = Arc::new(SqliteStore::open(&folder.0.join("test.db"), sealer).unwrap());
    let settings = EventSettings {
        webhook_networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
        webhook_ca: Some(folder.0.join("server.pem")),
        ..EventSettings::default()
    };
    let teller = Teller::new(store.clone(), &settings, None).unwrap();
    let mut teller = Arc::into_inner(teller).unwrap();
    teller.now = now;
    World {
        folder,
        store,
        teller: Arc::new(teller),
    }
}

impl World {
    fn endpoint(&self, id: &str, port: u16) -> WebhookEndpoint {
        let secret = WebhookSecret::new([7; 32]);
        let url = format!("https://localhost:{port}/hook?key=1");
        let endpoint = WebhookEndpoint {
            filter: EventFilter::new(&["device.*"], &[]).unwrap(),
            rate: 1000,
            ..WebhookEndpoint::new(&url, secret, now()).unwrap()
        };
        self.store.add_webhook(id, &endpoint).unwrap();
        endpoint
    }

    fn note(&self, count: usize) {
        let event = NewEvent::new(EventType::DeviceChanged, "devices/a".to_string(), now());
        self.store.note_events(&vec![event; count]).unwrap();
        let due = self.teller.due(NUMBERING, BATCH);
        while self.store.number_events("test", &due).unwrap() > 0 {}
    }

    /// Tells all that are due, once.
    async fn tell(&self) -> usize {
        let all = self.teller.take(AT_ONCE).await.unwrap();
        let count = all.len();
        for (tenant, taken) in all {
            self.teller.tell(&tenant, &taken).await;
        }
        count
    }
}

/// A day of failures on a clock of its own, then nothing is lost.
#[tokio::test]
async fn a_receiver_that_fails_for_a_while_gets_every_event_in_order_and_signed() {
    if !is_there("a receiver of webhooks") {
        return;
    }
    let _clock = CLOCK.lock().await;
    let world = world("while", &["127.0.0.0/8"]);
    let secret = WebhookSecret::new([7; 32]).reveal();
    let other = WebhookSecret::new([8; 32]);
    let mut receiver = Receiver::start(&world.folder.0, "test", &[&secret, &other.reveal()]);
    world.endpoint("a", receiver.port);
    world.note(5);
    // It fails for hours: always the same event is tried, ever more seldom.
    let failures = [500, 503, 302, 404, 500, 500, 500, 500, 500, 500, 500, 500];
    receiver.answer(&failures);
    assert_eq!(world.tell().await, 1);
    let first = receiver.request().sequence;
    for _ in 1..failures.len() {
        assert_eq!(world.tell().await, 0, "it is not due yet");
        // Longer than the longest pause.
        pass(Duration::from_secs(5000));
        assert_eq!(world.tell().await, 1);
        let told = receiver.request();
        assert_eq!((told.sequence, told.verified), (first, 1));
        assert_eq!(told.kind, "io.simurgh.device.changed.v1");
    }
    // Meanwhile its secret is replaced: both sign. Then it takes everything.
    let mut stored = world.store.webhook("a").unwrap().unwrap();
    assert!(stored.failing_since.is_some());
    stored.endpoint.value.rotate(other, now());
    world
        .store
        .change_webhook("a", &stored.endpoint, now())
        .unwrap();
    world.note(15);
    receiver.answer(&[204; 20]);
    assert_eq!(world.tell().await, 1);
    let got = receiver.requests(20);
    let numbers: Vec<i64> = got.iter().filter_map(|told| told.sequence).collect();
    assert_eq!(numbers[0], first.unwrap());
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    assert!(got.iter().all(|told| told.verified == 2));
    assert_eq!(world.tell().await, 0);
    let filter = store::DeliveryFilter {
        limit: 100,
        ..store::DeliveryFilter::default()
    };
    let log = world.store.deliveries(&filter).unwrap();
    let delivered = log.iter().filter(|delivery| delivery.state == "delivered");
    assert_eq!(delivered.count(), 20);
}

#[tokio::test]
async fn a_receiver_that_fails_for_a_day_is_disabled_and_that_is_told() {
    let _clock = CLOCK.lock().await;
    let world = world("day", &["127.0.0.0/8"]);
    // Nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    world.endpoint("a", port);
    world.note(1);
    let (begun, mut attempts) = (now(), 0);
    while world
        .store
        .webhook("a")
        .unwrap()
        .unwrap()
        .endpoint
        .value
        .disabled
        .is_none()
    {
        attempts += world.tell().await;
        pass(Duration::from_secs(60));
    }
    let lasted = now().since(begun);
    assert!(
        lasted >= DAY && lasted < DAY + Duration::from_secs(600),
        "{lasted:?}"
    );
    assert!((25..=45).contains(&attempts), "{attempts}");
    let stored = world.store.webhook("a").unwrap().unwrap();
    let reason = stored.endpoint.value.disabled.unwrap().reason;
    assert!(
        reason.contains("localhost") && !reason.contains("key=1"),
        "{reason}"
    );
    world.note(0);
    let events = world.store.events(&store::EventQuery {
        limit: 100,
        ..store::EventQuery::default()
    });
    let events = events.unwrap().events;
    let told = |event: &fleet::events::Event| event.event.kind == EventType::WebhookDisabled;
    assert_eq!(events.iter().filter(|event| told(event)).count(), 1);
}

#[tokio::test]
async fn an_address_that_is_not_public_is_asked_only_where_the_settings_allow_it() {
    let _clock = CLOCK.lock().await;
    let world = world("private", &["10.0.0.0/8"]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.endpoint("a", listener.local_addr().unwrap().port());
    world.note(1);
    assert_eq!(world.tell().await, 1);
    let came = tokio::time::timeout(Duration::from_millis(50), listener.accept());
    assert!(came.await.is_err(), "somebody connected");
    let filter = store::DeliveryFilter {
        limit: 1,
        ..store::DeliveryFilter::default()
    };
    let detail = world.store.deliveries(&filter).unwrap()[0]
        .last
        .detail
        .clone();
    assert!(detail.contains("not allowed"), "{detail}");
}

/// One that never answers, beside one that does.
#[tokio::test]
async fn a_slow_receiver_keeps_no_other_from_its_events() {
    if !is_there("a slow receiver of webhooks") {
        return;
    }
    let _clock = CLOCK.lock().await;
    let world = world("slow", &["127.0.0.0/8"]);
    let secret = WebhookSecret::new([7; 32]).reveal();
    let mut receiver = Receiver::start(&world.folder.0, "test", &[&secret]);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    world.endpoint("a-slow", silent.local_addr().unwrap().port());
    world.endpoint("b-fast", receiver.port);
    world.note(30);
    receiver.answer(&[200; 30]);
    let (end, ended) = watch::channel(false);
    let running = tokio::spawn(world.teller.clone().run(ended));
    let (receiver, got) = tokio::task::spawn_blocking(move || {
        let got: Vec<_> = (0..30).map(|_| receiver.request().verified).collect();
        (receiver, got)
    })
    .await
    .unwrap();
    assert_eq!(got, [1; 30]);
    let slow = world.store.webhook("a-slow").unwrap().unwrap();
    // Before come two that it does not want: endpoints were added.
    assert_eq!(
        slow.position, 2,
        "it has taken nothing, and nothing is lost"
    );
    end.send_replace(true);
    running.await.unwrap();
    drop(receiver);
}
