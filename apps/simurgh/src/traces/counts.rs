//! What became of spans.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::metrics::{Exposition, SPANS_DROPPED, SPANS_SENT};

/// How a span was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Too many waited.
    QueueFull,
    /// The collector does not want it.
    Refused,
    /// The collector was out of reach for too long, or the server ended.
    Unreachable,
}

/// Counts since the process was started.
#[derive(Default)]
pub(super) struct Counts {
    sent: AtomicU64,
    queue_full: AtomicU64,
    refused: AtomicU64,
    unreachable: AtomicU64,
}

impl Counts {
    pub(super) fn sent(&self, count: u64) {
        self.sent.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn lost(&self, how: Lost, count: u64) {
        let counter = match how {
            Lost::QueueFull => &self.queue_full,
            Lost::Refused => &self.refused,
            Lost::Unreachable => &self.unreachable,
        };
        counter.fetch_add(count, Ordering::Relaxed);
    }

    fn losses(&self) -> [(&'static str, u64); 3] {
        [
            ("queue_full", &self.queue_full),
            ("refused", &self.refused),
            ("unreachable", &self.unreachable),
        ]
        .map(|(how, count)| (how, count.load(Ordering::Relaxed)))
    }

    pub(super) fn all_lost(&self) -> u64 {
        self.losses().iter().map(|(_, count)| count).sum()
    }

    /// As Prometheus reads it.
    pub(super) fn write(&self, page: &mut Exposition) {
        let sent = self.sent.load(Ordering::Relaxed);
        page.family(&SPANS_SENT).value(&[], sent);
        let mut lines = page.family(&SPANS_DROPPED);
        for (reason, count) in self.losses() {
            lines.value(&[reason], count);
        }
    }
}
