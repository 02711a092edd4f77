//! Which metrics there are: the one table from which the page of Prometheus and
//! `docs/metrics.md` come.

/// What a metric is (Prometheus exposition format 0.0.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It grows as long as the process lives.
    Counter,
    /// It is what it is now.
    Gauge,
    /// Values by classes.
    Histogram,
    /// The sum of values and how many there were.
    Summary,
}

impl Kind {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
        }
    }
}

/// A metric.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Names of its labels.
    pub(crate) labels: &'static [&'static str],
    /// What it counts, as a sentence.
    pub(crate) help: &'static str,
}

macro_rules! families {
    ($($name:ident = $kind:ident $text:literal [$($label:literal),*] $help:literal;)+) => {
        $(
            pub(crate) const $name: Family = Family {
                name: $text,
                kind: Kind::$kind,
                labels: &[$($label),*],
                help: $help,
            };
        )+

        /// All that there are, as the documentation has them.
        #[cfg(test)]
        pub(super) const ALL: &[Family] = &[$($name),+];
    };
}

families! {
    STARTED = Gauge "process_start_time_seconds" []
        "When the server was started, in seconds since 1970.";
    READY = Gauge "simurgh_ready" []
        "1 if the server can do its work, as /readyz says; 0 if it cannot.";
    OPERATIONS = Counter "simurgh_operations_total" ["kind", "state"]
        "Operations that came into a state, each time that they did.";
    PHASES = Histogram "simurgh_operation_phase_seconds" ["kind", "phase"]
        "How long operations were in a state, counted when they went on from it.";
    CONFIRMED = Histogram "simurgh_operation_confirmed_seconds" ["kind"]
        "Time from the order of an operation to its confirmation.";
    OPEN = Gauge "simurgh_operations_open" ["state"]
        "Operations of the database that are not at their end, as they were counted last.";
    STATE_CHANGES = Counter "simurgh_state_changes_total" ["cause"]
        "Changes of profiles that devices reported by themselves (stateChangeCause).";
    SAMPLES = Counter "simurgh_telemetry_samples_total" []
        "Samples of telemetry that were put down.";
    FPLMN_SAMPLES = Counter "simurgh_fplmn_samples_total" ["listed"]
        "Samples that tell of forbidden networks (EF.FPLMN), by whether there are any.";
    FPLMN_ENTRIES = Counter "simurgh_fplmn_entries_total" []
        "Forbidden networks in these samples, added up.";
    TUNNEL_SAMPLES = Counter "simurgh_tunnel_samples_total" ["state"]
        "Samples that tell of the tunnel, by its state.";
    PROFILE_OCTETS = Counter "simurgh_profile_octets_total" ["operator", "direction"]
        "Octets that profiles carried, added up for each operator.";
    REQUEST_SECONDS = Histogram "simurgh_api_request_seconds" ["route", "method", "status"]
        "Time from a request of the API to its answer.";
    NUMBERED = Counter "simurgh_events_numbered_total" []
        "Events that this process gave numbers to.";
    STREAMS = Gauge "simurgh_event_streams" []
        "Streams of events that are open.";
    WEBHOOK_ATTEMPTS = Counter "simurgh_webhook_attempts_total" ["result"]
        "Attempts to tell webhook endpoints, by what came of them.";
    WEBHOOK_SECONDS = Summary "simurgh_webhook_attempt_seconds" []
        "How long attempts took.";
    WEBHOOKS_DISABLED = Counter "simurgh_webhook_endpoints_disabled_total" []
        "Endpoints that failed for a day or said that they are gone.";
    MQTT_PUBLISHED = Counter "simurgh_mqtt_events_published_total" []
        "Events that the MQTT broker took from this process.";
    MQTT_FAILURES = Counter "simurgh_mqtt_failures_total" []
        "Batches of events that did not all reach the MQTT broker.";
    MQTT_WAITING = Gauge "simurgh_mqtt_events_waiting" []
        "Events that the MQTT broker does not have yet, about.";
    SPANS_SENT = Counter "simurgh_trace_spans_sent_total" []
        "Spans that the collector of traces took.";
    SPANS_DROPPED = Counter "simurgh_trace_spans_dropped_total" ["reason"]
        "Spans that did not reach it, by why.";
}
