//! A report as JUnit XML, which continuous integration reads.

use std::fmt::Write;

use super::report::{Outcome, Report, Verdict};

/// The report as a JUnit `testsuite`.
pub fn junit(report: &Report) -> String {
    let seconds: f64 = report.outcomes.iter().map(|o| o.took.as_secs_f64()).sum();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{seconds:.3}\">",
        report.suite,
        report.outcomes.len(),
        report.count(Verdict::Failed),
        report.count(Verdict::Skipped),
    );
    for outcome in &report.outcomes {
        write_case(&mut xml, report.suite, outcome);
    }
    xml.push_str("</testsuite>\n");
    xml
}

fn write_case(xml: &mut String, suite: &str, outcome: &Outcome) {
    let _ = write!(
        xml,
        "  <testcase classname=\"{suite}\" name=\"{} {}\" time=\"{:.3}\"",
        outcome.id,
        escaped(outcome.title),
        outcome.took.as_secs_f64()
    );
    let element = match outcome.verdict {
        Verdict::Passed => return xml.push_str("/>\n"),
        Verdict::Failed => "failure",
        Verdict::Skipped => "skipped",
    };
    let why = escaped(&outcome.why);
    let _ = writeln!(xml, ">\n    <{element} message=\"{why}\"/>\n  </testcase>");
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
