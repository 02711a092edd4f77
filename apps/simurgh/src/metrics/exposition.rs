//! The text format of Prometheus.

use std::fmt::{Display, Write};
use std::time::Duration;

use super::family::Family;
use super::histogram::Histogram;

/// Media type (Prometheus exposition format 0.0.4).
pub(crate) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page of metrics, as far as it is written. Writing to a text does not fail.
#[derive(Default)]
pub(crate) struct Exposition(String);

impl Exposition {
    /// Begins a metric.
    pub(crate) fn family(&mut self, family: &'static Family) -> Lines<'_> {
        let Family { name, help, .. } = family;
        let kind = family.kind.name();
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Lines {
            text: &mut self.0,
            family,
        }
    }

    /// The page.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// The values of a metric. Each has a value for every label, in their order.
pub(crate) struct Lines<'a> {
    text: &'a mut String,
    family: &'static Family,
}

impl Lines<'_> {
    /// A value.
    pub(crate) fn value(&mut self, labels: &[&str], value: impl Display) {
        self.line("", labels, None, value);
    }

    /// A sum of times and how many there were.
    pub(crate) fn summary(&mut self, labels: &[&str], sum: Duration, count: u64) {
        self.line("_sum", labels, None, sum.as_secs_f64());
        self.line("_count", labels, None, count);
    }

    /// Times by classes.
    pub(crate) fn histogram(&mut self, labels: &[&str], histogram: &Histogram) {
        for (bound, within) in histogram.within() {
            let bound = bound.as_secs_f64().to_string();
            self.line("_bucket", labels, Some(&bound), within);
        }
        self.line("_bucket", labels, Some("+Inf"), histogram.count());
        self.summary(labels, histogram.sum(), histogram.count());
    }

    fn line(&mut self, suffix: &str, labels: &[&str], le: Option<&str>, value: impl Display) {
        let names = self.family.labels.iter().copied().chain(["le"]);
        let values = labels.iter().copied().chain(le);
        let pairs = names.zip(values);
        let pairs = pairs.map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        let pairs: Vec<String> = pairs.collect();
        let name = self.family.name;
        let _ = match pairs.is_empty() {
            true => writeln!(self.text, "{name}{suffix} {value}"),
            false => writeln!(self.text, "{name}{suffix}{{{}}} {value}", pairs.join(",")),
        };
    }
}

fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::family::{MQTT_WAITING, PROFILE_OCTETS};
    use super::*;

    #[test]
    fn what_users_write_stays_within_its_quotes() {
        let mut page = Exposition::default();
        let mut lines = page.family(&PROFILE_OCTETS);
        lines.value(&["a \"b\\\n}", "up"], 7);
        page.family(&MQTT_WAITING).value(&[], 0);
        let text = page.into_text();
        let line = r#"simurgh_profile_octets_total{operator="a \"b\\\n}",direction="up"} 7"#;
        assert_eq!(text.lines().nth(2), Some(line));
        assert_eq!(text.lines().last(), Some("simurgh_mqtt_events_waiting 0"));
    }
}
