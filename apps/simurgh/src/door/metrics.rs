//! What the API counts of itself, in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Media type (Prometheus exposition format 0.0.4).
pub(super) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds of the classes of latency, in milliseconds.
const BOUNDS: [u64; 11] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000];

/// Route, method and status of requests.
type Labels = (String, String, u16);

#[derive(Clone, Copy, Default)]
struct Requests {
    /// Of each class alone; the last is for what took longer than all bounds.
    classes: [u64; BOUNDS.len() + 1],
    count: u64,
    micros: u64,
}

/// Counts of requests. Routes are those of the document and what is no route is one
/// of them, so that nobody makes more of them by asking.
#[derive(Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<Labels, Requests>>,
}

impl Metrics {
    /// A request was answered.
    pub(super) fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        let labels = (route.to_string(), method.to_string(), status);
        let class = BOUNDS
            .iter()
            .position(|bound| took <= Duration::from_millis(*bound));
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = requests.entry(labels).or_default();
        if let Some(class) = requests.classes.get_mut(class.unwrap_or(BOUNDS.len())) {
            *class += 1;
        }
        requests.count += 1;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        requests.micros = requests.micros.saturating_add(micros);
    }

    /// As Prometheus reads it.
    pub(super) fn text(&self) -> String {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::from(
            "# HELP simurgh_api_request_seconds Time from a request of the API to its answer.\n\
             # TYPE simurgh_api_request_seconds histogram\n",
        );
        for ((route, method, status), requests) in requests.iter() {
            let labels = format!("route=\"{route}\",method=\"{method}\",status=\"{status}\"");
            write_histogram(&mut text, "simurgh_api_request_seconds", &labels, requests);
        }
        text
    }
}

/// Writing to a text does not fail.
fn write_histogram(text: &mut String, name: &str, labels: &str, requests: &Requests) {
    let mut within = 0;
    for (bound, class) in BOUNDS.iter().zip(requests.classes) {
        within += class;
        let seconds = Duration::from_millis(*bound).as_secs_f64();
        let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{seconds}\"}} {within}");
    }
    let Requests { count, micros, .. } = requests;
    let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}");
    let sum = Duration::from_micros(*micros).as_secs_f64();
    let _ = writeln!(text, "{name}_sum{{{labels}}} {sum}");
    let _ = writeln!(text, "{name}_count{{{labels}}} {count}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_add_up() {
        let metrics = Metrics::default();
        for millis in [1, 3, 3, 9000] {
            metrics.answered("/v1/devices", "GET", 200, Duration::from_millis(millis));
        }
        let text = metrics.text();
        let labels = "route=\"/v1/devices\",method=\"GET\",status=\"200\"";
        for line in [
            format!("_bucket{{{labels},le=\"0.001\"}} 1\n"),
            format!("_bucket{{{labels},le=\"0.005\"}} 3\n"),
            format!("_bucket{{{labels},le=\"5\"}} 3\n"),
            format!("_bucket{{{labels},le=\"+Inf\"}} 4\n"),
            format!("_sum{{{labels}}} 9.007\n"),
            format!("_count{{{labels}}} 4\n"),
        ] {
            assert!(text.contains(&line), "{line}{text}");
        }
    }
}
