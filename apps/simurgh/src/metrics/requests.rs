//! What the API counts of itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::exposition::Exposition;
use super::family::REQUEST_SECONDS;
use super::histogram::Histogram;

/// Bounds of the classes of latency.
const BOUNDS: &[Duration] = &[
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
];

/// Route, method and status of requests.
type Labels = (String, String, u16);

/// Counts of requests. Routes are those of the document and what is no route is one
/// of them, so that nobody makes more of them by asking.
#[derive(Default)]
pub(crate) struct Requests(Mutex<BTreeMap<Labels, Histogram>>);

impl Requests {
    /// A request was answered.
    pub(crate) fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        let labels = (route.to_string(), method.to_string(), status);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = all.entry(labels).or_insert_with(|| Histogram::new(BOUNDS));
        of.observe(took);
    }

    /// As Prometheus reads it.
    pub(crate) fn write(&self, page: &mut Exposition) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = page.family(&REQUEST_SECONDS);
        for ((route, method, status), took) in all.iter() {
            lines.histogram(&[route, method, &status.to_string()], took);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_add_up() {
        let requests = Requests::default();
        for millis in [1, 3, 3, 9000] {
            requests.answered("/v1/devices", "GET", 200, Duration::from_millis(millis));
        }
        let mut page = Exposition::default();
        requests.write(&mut page);
        let text = page.into_text();
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
