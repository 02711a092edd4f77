//! What the server counts, for Prometheus; `docs/metrics.md` has all metrics.
//!
//! Each process counts what it did itself, in memory, so that a poll with nothing
//! pending asks no database and the sum over processes counts nothing twice.

mod exposition;
mod family;
mod histogram;
mod operations;
mod requests;
mod telemetry;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rsp_asn1::sgp32::StateChangeCause;
use rsp_core::eim::Note;
use store::{Counter, Happened};

pub(crate) use exposition::{Exposition, TEXT};
pub(crate) use family::{
    MQTT_FAILURES, MQTT_PUBLISHED, MQTT_WAITING, NUMBERED, OPEN, READY, SPANS_DROPPED, SPANS_SENT,
    STREAMS, WEBHOOK_ATTEMPTS, WEBHOOK_SECONDS, WEBHOOKS_DISABLED,
};
pub(crate) use requests::Requests;

use crate::shell;
use family::{STARTED, STATE_CHANGES};
use operations::Operations;
use telemetry::Telemetry;

/// Counts of the fleet, since the process was started.
pub(crate) struct Fleet {
    started: rsp_core::Timestamp,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    operations: Operations,
    telemetry: Telemetry,
    state_changes: BTreeMap<&'static str, u64>,
}

impl Fleet {
    /// From now on.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Fleet {
            started: shell::now(),
            counts: Mutex::default(),
        })
    }

    /// Counts what transactions did.
    pub(crate) fn counter(self: &Arc<Self>) -> Counter {
        let fleet = self.clone();
        Box::new(move |happened| {
            let mut counts = fleet.counts();
            for happened in happened {
                match happened {
                    Happened::Operation(moved) => counts.operations.moved(moved),
                    Happened::Sample(sampled) => counts.telemetry.sampled(sampled),
                    _ => {}
                }
            }
        })
    }

    /// Counts what an eIM's step gave to read.
    pub(crate) fn noted(&self, note: &Note) {
        if let Note::StateChanged { cause } = note {
            let mut counts = self.counts();
            *counts.state_changes.entry(named(*cause)).or_default() += 1;
        }
    }

    /// As Prometheus reads it.
    pub(crate) fn write(&self, page: &mut Exposition) {
        let started = std::time::Duration::from_millis(self.started.0);
        page.family(&STARTED).value(&[], started.as_secs_f64());
        let counts = self.counts();
        counts.operations.write(page);
        counts.telemetry.write(page);
        let mut lines = page.family(&STATE_CHANGES);
        for cause in CAUSES.map(named) {
            let count = counts.state_changes.get(cause).copied();
            lines.value(&[cause], count.unwrap_or_default());
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Causes that have a name (SGP.32 5.14.5).
const CAUSES: [StateChangeCause; 8] = [
    StateChangeCause::OTHER_EIM,
    StateChangeCause::FALLBACK,
    StateChangeCause::EMERGENCY_PROFILE,
    StateChangeCause::LOCAL,
    StateChangeCause::RESET,
    StateChangeCause::IMMEDIATE_ENABLE_PROFILE,
    StateChangeCause::DEVICE_CHANGE,
    StateChangeCause::UNDEFINED,
];

/// Devices may send any number: what has no name is not defined.
const fn named(cause: StateChangeCause) -> &'static str {
    match cause {
        StateChangeCause::OTHER_EIM => "other_eim",
        StateChangeCause::FALLBACK => "fallback",
        StateChangeCause::EMERGENCY_PROFILE => "emergency_profile",
        StateChangeCause::LOCAL => "local",
        StateChangeCause::RESET => "reset",
        StateChangeCause::IMMEDIATE_ENABLE_PROFILE => "immediate_enable_profile",
        StateChangeCause::DEVICE_CHANGE => "device_change",
        _ => "undefined",
    }
}
