//! What is counted of operations.

use std::collections::BTreeMap;
use std::time::Duration;

use rsp_core::Timestamp;
use rsp_core::eim::OperationState;
use store::Moved;

use super::exposition::Exposition;
use super::family::{CONFIRMED, OPERATIONS, PHASES};
use super::histogram::Histogram;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Bounds of the classes of phases: for devices that poll each minute and for those
/// that come once a week, or once in two.
const BOUNDS: &[Duration] = &[
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(MINUTE),
    Duration::from_secs(2 * MINUTE),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(15 * MINUTE),
    Duration::from_secs(HOUR),
    Duration::from_secs(6 * HOUR),
    Duration::from_secs(DAY),
    Duration::from_secs(2 * DAY),
    Duration::from_secs(7 * DAY),
    Duration::from_secs(8 * DAY),
    Duration::from_secs(15 * DAY),
    Duration::from_secs(30 * DAY),
];

/// Kinds that are there from the beginning, at 0, so that the first one of them is
/// seen as an increase.
const SWITCHING: [&str; 4] = ["download", "enable", "disable", "delete"];

/// Counts of operations.
pub(super) struct Operations {
    /// By kind and state.
    came: BTreeMap<(&'static str, &'static str), u64>,
    /// By kind and the state that was left.
    phases: BTreeMap<(&'static str, &'static str), Histogram>,
    confirmed: BTreeMap<&'static str, Histogram>,
}

impl Default for Operations {
    fn default() -> Self {
        let states = |kind| OperationState::NAMES.map(|state| ((kind, state), 0));
        Operations {
            came: SWITCHING.into_iter().flat_map(states).collect(),
            phases: BTreeMap::new(),
            confirmed: BTreeMap::new(),
        }
    }
}

impl Operations {
    pub(super) fn moved(&mut self, moved: &Moved) {
        *self.came.entry((moved.kind, moved.state)).or_default() += 1;
        if let Some((left, since)) = moved.left
            && is_phase(left, moved.state)
        {
            let phase = self.phases.entry((moved.kind, left)).or_insert_with(new);
            phase.observe(between(since, moved.since));
        }
        if moved.state == "confirmed" {
            let all = self.confirmed.entry(moved.kind).or_insert_with(new);
            all.observe(between(moved.created, moved.since));
        }
    }

    /// As Prometheus reads it.
    pub(super) fn write(&self, page: &mut Exposition) {
        let mut lines = page.family(&OPERATIONS);
        for ((kind, state), count) in &self.came {
            lines.value(&[kind, state], count);
        }
        let mut lines = page.family(&PHASES);
        for ((kind, phase), took) in &self.phases {
            lines.histogram(&[kind, phase], took);
        }
        let mut lines = page.family(&CONFIRMED);
        for (kind, took) in &self.confirmed {
            lines.histogram(&[kind], took);
        }
    }
}

fn new() -> Histogram {
    Histogram::new(BOUNDS)
}

/// Whether the time in a state says how long something took: what was taken back or
/// expired had no phase, and of what got lost it is not known when it was done. What
/// was final is not waited in.
fn is_phase(left: &str, state: &str) -> bool {
    match left {
        "queued" => state == "delivered",
        "delivered" => state != "outcome_unknown",
        "executed" => state == "confirmed",
        "outcome_unknown" => true,
        _ => false,
    }
}

/// Two processes may have put these down, whose clocks differ.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    to.since(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(left: Option<(&'static str, u64)>, state: &'static str, since: u64) -> Moved {
        Moved {
            kind: "enable",
            left: left.map(|(state, since)| (state, Timestamp(since * 1000))),
            state,
            since: Timestamp(since * 1000),
            created: Timestamp(0),
        }
    }

    #[test]
    fn a_switch_is_counted_phase_by_phase() {
        let mut operations = Operations::default();
        for moved in [
            moved(None, "queued", 0),
            moved(Some(("queued", 0)), "delivered", 600_000),
            moved(Some(("delivered", 600_000)), "executed", 600_004),
            moved(Some(("executed", 600_004)), "confirmed", 1_200_000),
            moved(None, "queued", 0),
            moved(Some(("queued", 0)), "expired", 9),
        ] {
            operations.moved(&moved);
        }
        let mut page = Exposition::default();
        operations.write(&mut page);
        let text = page.into_text();
        let phases = "simurgh_operation_phase_seconds";
        let queued = "kind=\"enable\",phase=\"queued\"";
        for line in [
            "simurgh_operations_total{kind=\"enable\",state=\"queued\"} 2\n".to_string(),
            "simurgh_operations_total{kind=\"enable\",state=\"expired\"} 1\n".to_string(),
            "simurgh_operations_total{kind=\"delete\",state=\"failed\"} 0\n".to_string(),
            format!("{phases}_bucket{{{queued},le=\"172800\"}} 0\n"),
            format!("{phases}_bucket{{{queued},le=\"604800\"}} 1\n"),
            format!("{phases}_count{{{queued}}} 1\n"),
            format!("{phases}_sum{{kind=\"enable\",phase=\"delivered\"}} 4\n"),
            "confirmed_seconds_sum{kind=\"enable\"} 1200000\n".to_string(),
        ] {
            assert!(text.contains(&line), "{line}{text}");
        }
        assert!(!text.contains("phase=\"confirmed\""), "{text}");
    }
}
