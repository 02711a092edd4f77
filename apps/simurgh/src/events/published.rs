//! What is counted of publishing, in the text format of Prometheus.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

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
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (name, kind, about, value) in [
            (
                "simurgh_mqtt_events_published_total",
                "counter",
                "Events that the MQTT broker took from this process.",
                &self.taken,
            ),
            (
                "simurgh_mqtt_failures_total",
                "counter",
                "Batches of events that did not all reach the MQTT broker.",
                &self.failed,
            ),
            (
                "simurgh_mqtt_events_waiting",
                "gauge",
                "Events that the MQTT broker does not have yet, about.",
                &self.waiting,
            ),
        ] {
            let value = value.load(Ordering::Relaxed);
            // Writing to a text does not fail.
            let _ = writeln!(
                text,
                "# HELP {name} {about}\n# TYPE {name} {kind}\n{name} {value}"
            );
        }
        text
    }
}
