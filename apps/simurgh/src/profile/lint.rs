//! `simurgh profile lint`.

use std::path::PathBuf;

use clap::Args;
use rsp_core::profile::{self, Finding, Rule, Severity};
use serde_json::{Value, json};

use super::read_package;
use crate::Failure;
use crate::remote::output::{Output, json as print_json};

/// Check packages.
#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// The packages; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "rules")]
    files: Vec<PathBuf>,
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
    /// How to write the findings
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// Print the rules, with their codes and sections, and end
    #[arg(long)]
    rules: bool,
}

impl Lint {
    pub(super) fn run(&self) -> Result<(), Failure> {
        if self.rules {
            return self.print_rules();
        }
        let mut counts = [0usize; 3];
        let mut reports = Vec::new();
        for file in &self.files {
            let findings = profile::lint(&read_package(file)?);
            for finding in &findings {
                if let Some(count) = counts.get_mut(finding.severity() as usize) {
                    *count += 1;
                }
            }
            match self.output {
                Output::Json => reports.push(json!({
                    "file": file.display().to_string(),
                    "findings": findings.iter().map(shown).collect::<Vec<_>>(),
                })),
                Output::Table => print_findings(&file.display().to_string(), &findings),
            }
        }
        if self.output == Output::Json {
            print_json(&reports)?;
        }
        let [_, warnings, errors] = counts;
        match errors + if self.strict { warnings } else { 0 } {
            0 => Ok(()),
            _ => Err(Failure::new(
                "lint",
                format!("{errors} errors, {warnings} warnings"),
            )),
        }
    }

    fn print_rules(&self) -> Result<(), Failure> {
        if self.output == Output::Json {
            let row = |rule: Rule| {
                json!({
                    "code": rule.code(),
                    "severity": rule.severity(),
                    "section": rule.section(),
                })
            };
            return print_json(&Rule::all().map(row).collect::<Vec<_>>());
        }
        for rule in Rule::all() {
            let severity = rule.severity().to_string();
            outln!("{:<20} {severity:<8} {}", rule.code(), rule.section());
        }
        Ok(())
    }
}

fn shown(finding: &Finding) -> Value {
    json!({
        "code": finding.rule.code(),
        "severity": finding.severity(),
        "section": finding.rule.section(),
        "element": finding.element,
        "problem": finding.problem,
        "remedy": finding.remedy,
    })
}

/// The worst first.
fn print_findings(file: &str, findings: &[Finding]) {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    for finding in sorted {
        let (severity, rule) = (finding.severity(), finding.rule);
        outln!(
            "{file}: {severity} [{}] {finding} ({})",
            rule.code(),
            rule.section()
        );
    }
    let count = |severity| findings.iter().filter(|f| f.severity() == severity).count();
    outln!(
        "{file}: {} errors, {} warnings, {} notes",
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Note)
    );
}
