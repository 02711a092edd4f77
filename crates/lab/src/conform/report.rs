//! Running the cases of a suite, and what they came to.

use std::fmt::Write;
use std::time::Duration;

use super::case::{Body, Case, Stop};

/// What a case came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The subject did what is expected.
    Passed,
    /// It did something else.
    Failed,
    /// Nothing was said about it.
    Skipped,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::Skipped => "skipped",
        }
    }
}

/// A case that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Identifier of the case.
    pub id: &'static str,
    /// Title of the case.
    pub title: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// Why, unless it passed.
    pub why: String,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// One line for people.
    pub fn line(&self) -> String {
        let Outcome { id, title, why, .. } = self;
        let mut line = format!("{id:<18} {:<8} {title}", self.verdict.word());
        if !why.is_empty() {
            let _ = write!(line, "\n{:18} {:8}   {}", "", "", why.replace('\n', " "));
        }
        line
    }
}

/// What all cases of a suite came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Name of the suite.
    pub suite: &'static str,
    /// In the order of the catalogue.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// How many cases came to this.
    pub fn count(&self, verdict: Verdict) -> usize {
        let found = self.outcomes.iter();
        found.filter(|outcome| outcome.verdict == verdict).count()
    }

    /// A table of all cases and the totals.
    pub fn table(&self) -> String {
        let mut table = String::new();
        for outcome in &self.outcomes {
            let _ = writeln!(table, "{}", outcome.line());
        }
        let [passed, failed, skipped] =
            [Verdict::Passed, Verdict::Failed, Verdict::Skipped].map(|v| self.count(v));
        let cases = self.outcomes.len();
        let _ = writeln!(
            table,
            "\n{}: {cases} cases: {passed} passed, {failed} failed, {skipped} skipped",
            self.suite
        );
        table
    }
}

/// Which cases are wanted: identifiers, of which a `*` at the end stands for
/// any rest. None at all means every case.
#[derive(Clone, Debug, Default)]
pub struct Selection(pub Vec<String>);

impl Selection {
    /// Whether a case is wanted.
    pub fn wants(&self, id: &str) -> bool {
        let fits = |wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => id.starts_with(start),
            None => id.eq_ignore_ascii_case(wanted),
        };
        self.0.is_empty() || self.0.iter().any(fits)
    }
}

/// What happens while a suite runs.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// A case begins.
    Begins(&'static str),
    /// It has ended.
    Ended(&'a Outcome),
}

/// Runs the wanted cases one after the other. `elapsed` tells the time since
/// any beginning, `tell` hears of each step.
pub fn run<B>(
    suite: &'static str,
    cases: &[&[Case<B>]],
    bench: &mut B,
    wanted: &Selection,
    elapsed: &dyn Fn() -> Duration,
    tell: &mut dyn FnMut(Step<'_>),
) -> Report {
    let mut outcomes = Vec::new();
    let cases = cases.iter().flat_map(|group| group.iter());
    for case in cases.filter(|case| wanted.wants(case.id)) {
        tell(Step::Begins(case.id));
        let begun = elapsed();
        let (verdict, why) = match &case.body {
            Body::Absent(why) => (Verdict::Skipped, (*why).to_string()),
            Body::Run(run) => match run(bench) {
                Ok(()) => (Verdict::Passed, String::new()),
                Err(Stop::Failed(why)) => (Verdict::Failed, why),
                Err(Stop::Skipped(why)) => (Verdict::Skipped, why),
            },
        };
        let outcome = Outcome {
            id: case.id,
            title: case.title,
            verdict,
            why,
            took: elapsed().saturating_sub(begun),
        };
        tell(Step::Ended(&outcome));
        outcomes.push(outcome);
    }
    Report { suite, outcomes }
}

#[cfg(test)]
mod tests {
    use super::super::case::{absent, case, fail, skip};
    use super::*;

    #[test]
    fn every_case_has_a_verdict_and_skips_count_as_skips() {
        let cases: &[Case<u8>] = &[
            case("A-01", "good", |_| Ok(())),
            case("A-02", "bad", |_| fail("2 instead of <1>")),
            case("A-03", "not for this one", |_| skip("no such thing")),
            absent("A-04", "nobody can", "there is no way"),
            case("B-01", "another", |_| Ok(())),
        ];
        let mut ends = 0;
        let mut tell = |step: Step<'_>| ends += usize::from(matches!(step, Step::Ended(_)));
        let wanted = Selection(vec!["A-0*".into()]);
        let report = run(
            "test",
            &[cases],
            &mut 0,
            &wanted,
            &Duration::default,
            &mut tell,
        );
        assert_eq!(ends, 4);
        let counts = [Verdict::Passed, Verdict::Failed, Verdict::Skipped].map(|v| report.count(v));
        assert_eq!(counts, [1, 1, 2]);
        assert!(
            report
                .table()
                .contains("4 cases: 1 passed, 1 failed, 2 skipped")
        );
        assert!(report.table().contains("there is no way"));
        let xml = super::super::junit(&report);
        assert!(
            xml.contains("tests=\"4\" failures=\"1\" skipped=\"2\""),
            "{xml}"
        );
        assert!(xml.contains("2 instead of &lt;1&gt;"), "{xml}");
    }
}
