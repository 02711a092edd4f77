//! Somebody else changes the state between the loading and the committing of a
//! step: the step is taken again on the new state.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod smdp_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_core::binding::es2plus_json::{ConfirmOrder, DownloadOrder, ReleaseProfile, RequestHeader};
use rsp_core::binding::json;
use rsp_core::profile;
use rsp_core::smdp::{
    KeptPackage, Order, OrderKey, OrderState, ProfileMaterial, ProfileTypeSettings,
};
use rsp_core::{Context, Timestamp, smdp};
use rsp_crypto::software::SoftwareProvider;
use smdp_support::{Bench, OPERATOR, START, confirm, download, iccid};
use store::{
    AnnouncedEvent, AnnouncementStore, Due, ProfileStock, SmdpChange, SmdpNotification, SmdpStore,
    SqliteStore, StoreError, StoredSession, Versioned, Waiting,
};

/// A store in which somebody else is faster, as often as `rivals` says.
struct Contended {
    store: SqliteStore,
    rivals: AtomicU32,
    /// Whether the rival orders the profile rather than just touching it.
    takes: bool,
}

impl Contended {
    fn new(takes: bool) -> Arc<Self> {
        Arc::new(Contended {
            store: SqliteStore::in_memory().unwrap(),
            rivals: AtomicU32::new(0),
            takes,
        })
    }

    fn rival(&self) -> bool {
        let less = |rivals: u32| rivals.checked_sub(1);
        self.rivals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok()
    }

    fn change_order(&self, iccid: Iccid) {
        if self.rival() {
            let order = self.store.order(iccid).unwrap().unwrap();
            let state = match self.takes {
                true => OrderState::Allocated,
                false => order.value.state,
            };
            let value = Order {
                state,
                ..order.value
            };
            let version = order.version;
            let order = Versioned { value, version };
            let change = SmdpChange::of_order(&order, START);
            self.store.commit_smdp(&change).unwrap();
        }
    }
}

impl AnnouncementStore for Contended {
    fn due_announcements(&self, due: &Due) -> Result<Vec<AnnouncedEvent>, StoreError> {
        self.store.due_announcements(due)
    }

    fn announcements(&self, iccid: Iccid) -> Result<Vec<AnnouncedEvent>, StoreError> {
        self.store.announcements(iccid)
    }

    fn announced(&self, event: &AnnouncedEvent) -> Result<(), StoreError> {
        self.store.announced(event)
    }

    fn delay_announcement(&self, event: &AnnouncedEvent, due: Timestamp) -> Result<(), StoreError> {
        self.store.delay_announcement(event, due)
    }
}

impl SmdpStore for Contended {
    fn commit_smdp(&self, change: &SmdpChange<'_>) -> Result<(), StoreError> {
        match (change.order, change.session) {
            (Some(order), _) => self.change_order(order.value.iccid),
            // The session itself moves on.
            (None, Some((id, session))) if session.version > 0 && self.rival() => {
                let now = self.store.session(id).unwrap().unwrap();
                let touched = SmdpChange {
                    session: Some((id, &now)),
                    ..SmdpChange::at(change.now)
                };
                self.store.commit_smdp(&touched).unwrap();
            }
            _ => {}
        }
        self.store.commit_smdp(change)
    }

    fn order(&self, iccid: Iccid) -> Result<Option<Versioned<Order>>, StoreError> {
        self.store.order(iccid)
    }

    fn available(&self, profile_type: &str) -> Result<Option<Versioned<Order>>, StoreError> {
        self.store.available(profile_type)
    }

    fn order_of_call(
        &self,
        operator: &str,
        call: &str,
    ) -> Result<Option<Versioned<Order>>, StoreError> {
        self.store.order_of_call(operator, call)
    }

    fn find_order(&self, key: &OrderKey) -> Result<Option<Versioned<Order>>, StoreError> {
        self.store.find_order(key)
    }

    fn profile_type(&self, name: &str) -> Result<Option<ProfileTypeSettings>, StoreError> {
        self.store.profile_type(name)
    }

    fn material(&self, iccid: Iccid) -> Result<ProfileMaterial, StoreError> {
        self.store.material(iccid)
    }

    fn kept_package(&self, iccid: Iccid) -> Result<Option<KeptPackage>, StoreError> {
        self.store.kept_package(iccid)
    }

    fn session(&self, id: &TransactionId) -> Result<Option<Versioned<StoredSession>>, StoreError> {
        self.store.session(id)
    }

    fn add_profiles(&self, stock: &ProfileStock<'_>) -> Result<(), StoreError> {
        self.store.add_profiles(stock)
    }

    fn add_smdp_notification(&self, notification: &SmdpNotification<'_>) -> Result<(), StoreError> {
        self.store.add_smdp_notification(notification)
    }

    fn smdp_notifications(&self, eid: Eid) -> Result<Vec<Vec<u8>>, StoreError> {
        self.store.smdp_notifications(eid)
    }

    fn due_progress(&self, due: &Due) -> Result<Vec<Waiting>, StoreError> {
        self.store.due_progress(due)
    }

    fn delay_progress(&self, waiting: &Waiting, due: Timestamp) -> Result<(), StoreError> {
        self.store.delay_progress(waiting, due)
    }

    fn drop_progress(&self, waiting: &Waiting) -> Result<(), StoreError> {
        self.store.drop_progress(waiting)
    }
}

#[test]
fn steps_are_taken_again_on_the_new_state() {
    let store = Contended::new(false);
    let mut bench = Bench::on(store.clone());
    let contend = || store.rivals.store(4, Ordering::SeqCst);
    let calm = || assert_eq!(store.rivals.load(Ordering::SeqCst), 0);
    let card = bench.card(1);
    bench.stock("operational", &profile::template(), &[1]);

    contend();
    bench.ordered(1, None);
    calm();
    contend();
    let confirmed = ConfirmOrder {
        release_flag: false,
        ..confirm(1, "TOKEN")
    };
    bench.send(&confirmed).unwrap();
    calm();
    contend();
    let release = ReleaseProfile {
        header: RequestHeader::default(),
        iccid: iccid(1),
    };
    bench.send(&release).unwrap();
    calm();

    let started = bench.started(&card);
    contend();
    let request = card.authenticate(&started, Some("TOKEN"));
    let offered = bench.send(&request).unwrap();
    calm();
    contend();
    bench.send(&card.get_package(&offered)).unwrap();
    calm();
    assert_eq!(bench.order(1).state, OrderState::Downloaded);
    contend();
    let result = card.result(&offered.transaction_id, true);
    assert_eq!(bench.raw(&result).status, 204);
    calm();
    assert_eq!(bench.order(1).state, OrderState::Installed);
}

#[test]
fn a_profile_that_was_taken_meanwhile_is_not_given_twice() {
    let store = Contended::new(true);
    let mut bench = Bench::on(store.clone());
    bench.stock("operational", &profile::template(), &[1, 2]);
    let of_type = DownloadOrder {
        iccid: None,
        profile_type: Some("operational".to_string()),
        ..download(1, None)
    };
    store.rivals.store(1, Ordering::SeqCst);
    assert_eq!(bench.send(&of_type).unwrap().iccid, iccid(2));
    assert_eq!(bench.refusal(&of_type), "8.2.5/3.7");
}

#[test]
fn it_is_given_up_after_five_attempts() {
    let store = Contended::new(false);
    let mut bench = Bench::on(store.clone());
    bench.stock("operational", &profile::template(), &[1]);
    store.rivals.store(u32::MAX, Ordering::SeqCst);
    let request = json::encode_request(&download(1, None), None).unwrap();
    let mut cx = Context {
        now: bench.now,
        rng: &mut bench.rng,
        crypto: &SoftwareProvider,
    };
    let failed = bench.host.es2plus(&request, OPERATOR, &mut cx);
    assert!(matches!(failed, Err(StoreError::Conflict)));
    assert_eq!(u32::MAX - store.rivals.load(Ordering::SeqCst), 5);
    assert_eq!(bench.order(1).state, smdp::OrderState::Available);
}
