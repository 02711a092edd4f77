//! What is counted of publishing.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::metrics::{Exposition, MQTT_FAILURES, MQTT_PUBLISHED, MQTT_WAITING};

/// Counts since the process was started, and what waits.
#[derive(Default)]
pub(super) struct Published {
    taken: AtomicU64,
    failed: AtomicU64,
    waiting: AtomicU64,
}

impl Published {
    /// The broker has events.
    pub(super) fn taken(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or_default();
        self.taken.fetch_add(count, Ordering::Relaxed);
    }

    /// The broker did not take all of a batch.
    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// So many events are still to go to the broker.
    pub(super) fn waiting(&self, events: i64) {
        self.waiting.store(events.unsigned_abs(), Ordering::Relaxed);
    }

    /// As Prometheus reads it.
    pub(super) fn write(&self, page: &mut Exposition) {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        page.family(&MQTT_PUBLISHED).value(&[], get(&self.taken));
        page.family(&MQTT_FAILURES).value(&[], get(&self.failed));
        page.family(&MQTT_WAITING).value(&[], get(&self.waiting));
    }
}
