//! What is counted of telemetry.

use std::collections::BTreeMap;

use fleet::telemetry::Tunnel;
use store::{Carried, Sampled};

use super::exposition::Exposition;
use super::family::{FPLMN_ENTRIES, FPLMN_SAMPLES, PROFILE_OCTETS, SAMPLES, TUNNEL_SAMPLES};

/// Operators that are counted by their name; all further ones are one together.
const MOST_OPERATORS: usize = 100;

/// Counts of telemetry.
#[derive(Default)]
pub(super) struct Telemetry {
    samples: u64,
    /// Samples without and with forbidden networks.
    fplmn: [u64; 2],
    entries: u64,
    /// Samples with the tunnel down and up.
    tunnel: [u64; 2],
    /// Octets up and down, by operator.
    carried: BTreeMap<String, [u64; 2]>,
}

impl Telemetry {
    pub(super) fn sampled(&mut self, sampled: &Sampled) {
        self.samples += 1;
        if let Some(entries) = sampled.forbidden {
            self.entries = self.entries.saturating_add(entries as u64);
            let [none, some] = &mut self.fplmn;
            *(if entries == 0 { none } else { some }) += 1;
        }
        let [down, up] = &mut self.tunnel;
        match sampled.tunnel {
            Some(Tunnel::Up) => *up += 1,
            Some(Tunnel::Down) => *down += 1,
            None => {}
        }
        sampled.usage.iter().for_each(|usage| self.carried(usage));
    }

    fn carried(&mut self, usage: &Carried) {
        let operator = usage.operator.as_deref().unwrap_or("unknown");
        let known = self.carried.contains_key(operator);
        let operator = match known || self.carried.len() < MOST_OPERATORS {
            true => operator,
            false => "other",
        };
        let [up, down] = self.carried.entry(operator.to_string()).or_default();
        *up = up.saturating_add(usage.up);
        *down = down.saturating_add(usage.down);
    }

    /// As Prometheus reads it.
    pub(super) fn write(&self, page: &mut Exposition) {
        page.family(&SAMPLES).value(&[], self.samples);
        let [none, some] = self.fplmn;
        let mut lines = page.family(&FPLMN_SAMPLES);
        lines.value(&["false"], none);
        lines.value(&["true"], some);
        page.family(&FPLMN_ENTRIES).value(&[], self.entries);
        let [down, up] = self.tunnel;
        let mut lines = page.family(&TUNNEL_SAMPLES);
        lines.value(&["down"], down);
        lines.value(&["up"], up);
        let mut lines = page.family(&PROFILE_OCTETS);
        for (operator, [up, down]) in &self.carried {
            lines.value(&[operator, "up"], up);
            lines.value(&[operator, "down"], down);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever may write the inventory may make up operators.
    #[test]
    fn operators_have_a_bound() {
        let mut telemetry = Telemetry::default();
        for number in 0..1000 {
            telemetry.sampled(&Sampled {
                usage: vec![Carried {
                    operator: Some(format!("operator {number}")),
                    up: 1,
                    down: 2,
                }],
                ..Sampled::default()
            });
        }
        let mut page = Exposition::default();
        telemetry.write(&mut page);
        let text = page.into_text();
        let lines = text.lines().filter(|line| line.contains("{operator="));
        assert_eq!(lines.count(), 2 * (MOST_OPERATORS + 1));
        let other = "simurgh_profile_octets_total{operator=\"other\",direction=\"down\"} 1800\n";
        assert!(text.contains(other), "{text}");
    }
}
