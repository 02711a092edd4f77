//! What the sender counts of itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fleet::events::Answer;

use crate::metrics::{
    Exposition, NUMBERED, STREAMS, WEBHOOK_ATTEMPTS, WEBHOOK_SECONDS, WEBHOOKS_DISABLED,
};

/// Counts since the process was started. An endpoint has no label of its own: there may
/// be many, and `/v1/webhook-endpoints` says how each is.
#[derive(Default)]
pub(super) struct Counts {
    numbered: AtomicU64,
    taken: AtomicU64,
    refused: AtomicU64,
    unanswered: AtomicU64,
    millis: AtomicU64,
    disabled: AtomicU64,
}

impl Counts {
    pub(super) fn numbered(&self, count: u64) {
        self.numbered.fetch_add(count, Ordering::Relaxed);
    }

    /// An attempt ended, with a status or without an answer.
    pub(super) fn attempted(&self, answer: Answer, status: Option<u16>, millis: u32) {
        let count = match (answer, status) {
            (Answer::Taken, _) => &self.taken,
            (_, Some(_)) => &self.refused,
            (_, None) => &self.unanswered,
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.millis.fetch_add(millis.into(), Ordering::Relaxed);
    }

    pub(super) fn disabled(&self) {
        self.disabled.fetch_add(1, Ordering::Relaxed);
    }

    /// As Prometheus reads it; `streams` are open now.
    pub(super) fn write(&self, page: &mut Exposition, streams: usize) {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let [taken, refused, unanswered] = [&self.taken, &self.refused, &self.unanswered].map(get);
        page.family(&NUMBERED).value(&[], get(&self.numbered));
        page.family(&STREAMS).value(&[], streams);
        let mut lines = page.family(&WEBHOOK_ATTEMPTS);
        lines.value(&["taken"], taken);
        lines.value(&["refused"], refused);
        lines.value(&["unanswered"], unanswered);
        let took = Duration::from_millis(get(&self.millis));
        let all = taken + refused + unanswered;
        page.family(&WEBHOOK_SECONDS).summary(&[], took, all);
        page.family(&WEBHOOKS_DISABLED)
            .value(&[], get(&self.disabled));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_by_what_came_of_them() {
        let counts = Counts::default();
        counts.numbered(7);
        counts.attempted(Answer::Taken, Some(204), 250);
        counts.attempted(Answer::Gone, Some(410), 250);
        counts.attempted(Answer::NotTaken { retry_after: None }, None, 1000);
        counts.disabled();
        let mut page = Exposition::default();
        counts.write(&mut page, 3);
        let text = page.into_text();
        for line in [
            "simurgh_events_numbered_total 7\n",
            "simurgh_event_streams 3\n",
            "# TYPE simurgh_webhook_attempts_total counter\n",
            "simurgh_webhook_attempts_total{result=\"taken\"} 1\n",
            "simurgh_webhook_attempts_total{result=\"refused\"} 1\n",
            "simurgh_webhook_attempts_total{result=\"unanswered\"} 1\n",
            "simurgh_webhook_attempt_seconds_sum 1.5\n",
            "simurgh_webhook_attempt_seconds_count 3\n",
            "simurgh_webhook_endpoints_disabled_total 1\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }
}
