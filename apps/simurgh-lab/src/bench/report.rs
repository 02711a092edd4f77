//! The table and the line that programs read.

use serde::Serialize;

use super::measure::Comparison;
use crate::Failure;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// What was measured.
    figure: String,
    /// What it is measured against, or what is counted.
    against: String,
    #[serde(flatten)]
    value: Value,
    /// Least ratio or most octets wanted, if there is a goal.
    goal: Option<f64>,
    met: Option<bool>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "unit")]
enum Value {
    Ratio {
        value: f64,
        measured_per_second: f64,
        reference_per_second: f64,
    },
    Octets {
        value: u64,
    },
}

impl Row {
    /// A rate as a share of its reference's.
    pub(super) fn ratio(figure: &str, against: &str, compared: Comparison, goal: f64) -> Self {
        Row {
            figure: figure.to_string(),
            against: against.to_string(),
            value: Value::Ratio {
                value: compared.ratio,
                measured_per_second: compared.measured,
                reference_per_second: compared.reference,
            },
            goal: Some(goal),
            met: Some(compared.ratio >= goal),
        }
    }

    /// A rate as a share of its reference's, for which there is no goal.
    pub(super) fn ratio_without_goal(figure: &str, against: &str, compared: Comparison) -> Self {
        Row {
            goal: None,
            met: None,
            ..Row::ratio(figure, against, compared, 0.0)
        }
    }

    /// A size, for which there is no goal.
    pub(super) fn octets(figure: &str, counted: String, octets: u64) -> Self {
        Row {
            figure: figure.to_string(),
            against: counted,
            value: Value::Octets { value: octets },
            goal: None,
            met: None,
        }
    }

    /// A size that shall be at most `goal`.
    pub(super) fn octets_at_most(figure: &str, counted: String, octets: u64, goal: u32) -> Self {
        Row {
            goal: Some(f64::from(goal)),
            met: Some(octets <= u64::from(goal)),
            ..Row::octets(figure, counted, octets)
        }
    }

    fn line(&self) -> String {
        let value = match self.value {
            Value::Ratio { value, .. } => format!("{value:.2}"),
            Value::Octets { value } => format!("{value} octets"),
        };
        let goal = self.goal.map(|goal| match self.value {
            Value::Ratio { .. } => format!("≥ {goal:.2}"),
            Value::Octets { .. } => format!("≤ {goal:.0}"),
        });
        let met = match self.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "—",
        };
        format!(
            "{:58} {value:>13} {:>7}  {met}",
            self.figure,
            goal.as_deref().unwrap_or("—")
        )
    }

    fn explanation(&self) -> String {
        match self.value {
            Value::Ratio {
                measured_per_second,
                reference_per_second,
                ..
            } => format!(
                "  {measured_per_second:.0}/s against {reference_per_second:.0}/s: {}",
                self.against
            ),
            Value::Octets { .. } => format!("  {}", self.against),
        }
    }
}

/// All figures.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    rows: Vec<Row>,
}

impl Report {
    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Prints the table, and as its last line one JSON object.
    pub(super) fn print(&self) -> Result<(), Failure> {
        println!("{:58} {:>13} {:>7}", "figure", "value", "goal");
        for row in &self.rows {
            println!("{}", row.line());
            println!("{}", row.explanation());
        }
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(ratio: f64) -> Comparison {
        Comparison {
            measured: 1000.0 * ratio,
            reference: 1000.0,
            ratio,
        }
    }

    #[test]
    fn a_goal_is_met_or_missed() {
        let met = Row::ratio("packages", "signs", compared(0.5), 0.5);
        assert!(met.line().ends_with("0.50  ≥ 0.50  met"), "{}", met.line());
        let missed = Row::ratio("packages", "signs", compared(0.49), 0.5);
        assert!(missed.line().ends_with("missed"), "{}", missed.line());
        let explanation = "  490/s against 1000/s: signs";
        assert_eq!(missed.explanation(), explanation);
    }

    #[test]
    fn a_size_is_met_or_missed() {
        let met = Row::octets_at_most("device", "all".into(), 4096, 4096);
        assert!(
            met.line().ends_with("4096 octets  ≤ 4096  met"),
            "{}",
            met.line()
        );
        let missed = Row::octets_at_most("device", "all".into(), 4097, 4096);
        assert!(missed.line().ends_with("missed"), "{}", missed.line());
    }

    #[test]
    fn programs_read_the_same() {
        let mut report = Report::default();
        report.add(Row::ratio("packages", "signs", compared(0.25), 0.5));
        report.add(Row::octets("enable", "all".into(), 7));
        let json = serde_json::to_value(&report).unwrap();
        let rows = json["rows"].as_array().unwrap();
        assert_eq!(rows[0]["unit"], "ratio");
        assert_eq!(rows[0]["value"], 0.25);
        assert_eq!(rows[0]["met"], false);
        assert_eq!(rows[1]["unit"], "octets");
        assert_eq!(rows[1]["value"], 7);
        assert!(rows[1]["goal"].is_null() && rows[1]["met"].is_null());
    }
}
