//! A layer on a store: somebody who sees what is read and committed, and may
//! change it.

use std::ops::Range;
use std::sync::Arc;

use fleet::import::RowError;
use fleet::inventory::{Device, DeviceId};
use fleet::ledger::{CodeOrder, CodeState, Pool, Stock};
use fleet::price::Tariff;
use fleet::query::Query;
use fleet::telemetry::{Bucket, Level, Retention, Sample};
use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::eim::{CodeRef, EuiccRecord, Operation, OperationId};
use rsp_core::smdp::{KeptPackage, Order, OrderKey, ProfileMaterial, ProfileTypeSettings};
use rsp_core::smds::Event;
use store::{
    AnnouncedEvent, AnnouncementStore, Contact, DevicePage, DeviceStore, Due, EuiccChange,
    Forwarding, ImportedDevice, KnownCode, LedgerStore, NamedTariff, NewCode, OperationFilter,
    Outgoing, ProfileChange, ProfileStock, PskStore, RelayChange, SavedSearch, SmdpChange,
    SmdpNotification, SmdpStore, SmdsStore, Store, StoreError, StoredDevice, StoredEvidence,
    StoredRelay, StoredSession, StoredSmdsSession, Switched, TariffStore, Versioned, Waiting,
    WithCode,
};
use zeroize::Zeroizing;

/// Between an eIM and its store.
pub trait Between: Send + Sync {
    /// The record of an eUICC, as the eIM is to find it.
    ///
    /// # Errors
    /// If the layer lets reading fail.
    fn found(&self, record: Versioned<EuiccRecord>) -> Result<Versioned<EuiccRecord>, StoreError> {
        Ok(record)
    }

    /// A commit of the eIM.
    ///
    /// # Errors
    /// As [`Store::commit_euicc`].
    fn commit(&self, change: &EuiccChange<'_>, store: &dyn Store) -> Result<(), StoreError> {
        store.commit_euicc(change)
    }
}

/// A store with somebody in between.
pub struct Layer<B> {
    store: Arc<dyn Store>,
    between: B,
}

impl<B: Between> Layer<B> {
    /// On a store.
    pub fn new(store: Arc<dyn Store>, between: B) -> Self {
        Layer { store, between }
    }
}

impl<B> std::fmt::Debug for Layer<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layer").finish_non_exhaustive()
    }
}

/// Hands functions on as they are.
macro_rules! hand_on {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        $(fn $name(&self, $($argument: $kind),*) -> Result<$result, StoreError> {
            self.store.$name($($argument),*)
        })*
    };
}

impl<B: Between> Store for Layer<B> {
    fn euicc(&self, eid: Eid) -> Result<Option<Versioned<EuiccRecord>>, StoreError> {
        let found = self.store.euicc(eid)?;
        found.map(|record| self.between.found(record)).transpose()
    }

    fn commit_euicc(&self, change: &EuiccChange<'_>) -> Result<(), StoreError> {
        self.between.commit(change, &*self.store)
    }

    hand_on! {
        add_euicc(record: &EuiccRecord) -> ();
        remove_euicc(eid: Eid) -> ();
        euiccs(after: Option<Eid>, limit: usize) -> Vec<EuiccRecord>;
        euiccs_among(eids: &[Eid]) -> Vec<EuiccRecord>;
        euicc_index() -> Vec<(Eid, bool)>;
        put_contacts(contacts: &[(Eid, Timestamp)]) -> ();
        contact(eid: Eid) -> Option<Contact>;
        expired(now: Timestamp, limit: usize) -> Vec<Eid>;
        operations(filter: &OperationFilter) -> Vec<Operation>;
        evidence(eid: Eid) -> Vec<StoredEvidence>;
        due_notifications(due: &Due) -> Vec<Outgoing>;
        put_forwarding(outgoing: &Outgoing, forwarding: Forwarding, detail: &str) -> ();
        count_forwarding(state: &str) -> u64;
        open_operations(eid: Eid) -> Vec<Operation>;
        add_euicc_with(record: &EuiccRecord, operations: &[Operation]) -> ();
        allot_code(stock: &str, codes: usize, eid: Eid) -> Option<usize>;
        add_operations(operations: &[Operation]) -> ();
        operation(id: &OperationId) -> Option<Operation>;
        euicc_of_transaction(id: &TransactionId) -> Option<Eid>;
        operations_of_transaction(id: &TransactionId) -> Vec<Operation>;
        relay_session(id: &TransactionId) -> Option<Versioned<StoredRelay>>;
        relay_is_taken(id: &TransactionId, now: Timestamp) -> bool;
        commit_relay(change: &RelayChange<'_>) -> ();
    }
}

impl<B: Between> LedgerStore for Layer<B> {
    hand_on! {
        put_pool(pool: &Pool) -> ();
        pools() -> Vec<Pool>;
        pool(name: &str) -> Option<Pool>;
        add_codes(pool: &str, codes: &[NewCode], now: Timestamp) -> usize;
        order_with_code(pool: &str, make: &mut WithCode<'_>) -> Option<Operation>;
        stock(pool: &str) -> Stock;
        codes_spent(pool: &str, since: Timestamp) -> u64;
        codes(pool: &str, state: Option<CodeState>, after: i64, limit: usize) -> Vec<KnownCode>;
        begin_order(pool: &str, order: &CodeOrder, now: Timestamp, due: Timestamp) -> CodeRef;
        put_order(
            at: &CodeRef,
            before: Option<&CodeOrder>,
            order: &CodeOrder,
            due: Option<Timestamp>
        ) -> ();
        drop_order(at: &CodeRef) -> ();
        due_codes(due: &Due) -> Vec<(KnownCode, NewCode)>;
        settle_code(at: &CodeRef, state: CodeState, now: Timestamp) -> ();
        renew_code(at: &CodeRef, code: &NewCode, now: Timestamp) -> ();
    }
}

impl<B: Between> SmdpStore for Layer<B> {
    hand_on! {
        add_profiles(stock: &ProfileStock<'_>) -> ();
        profile_type(name: &str) -> Option<ProfileTypeSettings>;
        order(iccid: Iccid) -> Option<Versioned<Order>>;
        available(profile_type: &str) -> Option<Versioned<Order>>;
        order_of_call(operator: &str, call: &str) -> Option<Versioned<Order>>;
        find_order(key: &OrderKey) -> Option<Versioned<Order>>;
        material(iccid: Iccid) -> ProfileMaterial;
        kept_package(iccid: Iccid) -> Option<KeptPackage>;
        session(id: &TransactionId) -> Option<Versioned<StoredSession>>;
        commit_smdp(change: &SmdpChange<'_>) -> ();
        add_smdp_notification(notification: &SmdpNotification<'_>) -> ();
        smdp_notifications(eid: Eid) -> Vec<Vec<u8>>;
        due_progress(due: &Due) -> Vec<Waiting>;
        delay_progress(waiting: &Waiting, due: Timestamp) -> ();
        drop_progress(waiting: &Waiting) -> ();
    }
}

impl<B: Between> AnnouncementStore for Layer<B> {
    hand_on! {
        due_announcements(due: &Due) -> Vec<AnnouncedEvent>;
        announcements(iccid: Iccid) -> Vec<AnnouncedEvent>;
        announced(event: &AnnouncedEvent) -> ();
        delay_announcement(event: &AnnouncedEvent, due: Timestamp) -> ();
    }
}

impl<B: Between> SmdsStore for Layer<B> {
    hand_on! {
        smds_events(eid: Eid) -> Versioned<Vec<Event>>;
        put_smds_events(eid: Eid, events: &Versioned<Vec<Event>>) -> ();
        smds_session(id: &TransactionId) -> Option<Versioned<StoredSmdsSession>>;
        put_smds_session(
            id: &TransactionId,
            session: &Versioned<StoredSmdsSession>,
            forget: Timestamp
        ) -> ();
    }
}

impl<B: Between> PskStore for Layer<B> {
    hand_on! {
        put_psk(eid: Eid, identity: &str, key: &[u8]) -> ();
        psk(identity: &str) -> Option<Zeroizing<Vec<u8>>>;
        psk_identity(eid: Eid) -> Option<String>;
        euicc_of_psk(identity: &str) -> Option<Eid>;
        remove_psk(eid: Eid) -> ();
    }
}

impl<B: Between> DeviceStore for Layer<B> {
    hand_on! {
        put_device(device: &Device, version: i64, now: Timestamp) -> ();
        device(id: &DeviceId) -> Option<StoredDevice>;
        device_named(name: &DeviceId) -> Option<StoredDevice>;
        remove_device(id: &DeviceId) -> ();
        search(query: &Query, after: Option<&DeviceId>, limit: usize, now: Timestamp) -> DevicePage;
        stage_devices(import: &str, rows: &[ImportedDevice], now: Timestamp) -> Vec<RowError>;
        switch_devices(import: &str, now: Timestamp, told: &mut dyn FnMut(u64)) -> Switched;
        staged_euiccs(import: &str, after: Option<Eid>, limit: usize) -> Vec<Eid>;
        drop_staged(import: &str) -> ();
        drop_abandoned(since: Timestamp) -> ();
        put_search(search: &SavedSearch) -> ();
        searches(after: Option<&str>, limit: usize) -> Vec<SavedSearch>;
        saved_search(name: &str) -> Option<SavedSearch>;
        remove_search(name: &str) -> ();
        put_samples(id: &DeviceId, samples: &[(Timestamp, Sample)]) -> ();
        samples(id: &DeviceId, span: Range<Timestamp>, limit: usize) -> Vec<(Timestamp, Sample)>;
        buckets(id: &DeviceId, level: Level, span: Range<Timestamp>, limit: usize)
            -> Vec<(Timestamp, Bucket)>;
        forget_samples(retention: &Retention, now: Timestamp) -> u64;
        euicc_of_profile(iccid: Iccid) -> Option<Eid>;
        profile_history(eid: Eid) -> Vec<ProfileChange>;
    }
}

impl<B: Between> TariffStore for Layer<B> {
    hand_on! {
        put_tariff(named: &NamedTariff, version: i64) -> ();
        tariff(name: &str) -> Option<Versioned<Tariff>>;
        tariffs(after: Option<&str>, limit: usize) -> Vec<NamedTariff>;
        remove_tariff(name: &str, version: i64) -> ();
    }
}
