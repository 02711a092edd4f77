//! `simurgh-lab conform`: conformance suites against somebody's product.

mod eim;
mod emulated;
mod euicc;
mod ipad;
mod options;
mod own;
mod smdp;
mod smds;
mod wire;

use std::io::Write;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use lab::conform::{Case, Report, Step, Verdict, codec, junit, run};
use rsp_core::Timestamp;

use crate::Failure;
use options::Common;

/// Runs the test catalogue as a black box against an eIM, IPAd, eUICC, SM-DP+
/// or SM-DS of any vendor.
///
/// Each case is a conversation with the subject; what it should have answered
/// is judged by code of the suite's own. Without a subject, Simurgh's own part
/// is started and judged. A case that says nothing about a subject (a function
/// that it does not announce, a key that was not given) is skipped, with the
/// reason, and counts as skipped, never as passed. The exit code is 0 if no
/// case failed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  simurgh-lab conform euicc                                the software card
  simurgh-lab conform euicc --reader 0 --ca sgp26-ci.pem   the card in reader 0
  simurgh-lab conform smdp --url https://dp.example.com --ca ci.pem --list
  simurgh-lab conform euicc --case 'EUI-0*' --case EUI-35 --junit report.xml")]
pub(crate) struct Conform {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Debug, Subcommand)]
enum Subject {
    /// An eUICC for IoT (SGP.32): the software card, or one in a PC/SC reader
    Euicc(euicc::Euicc),
    /// An eIM (SGP.32 ESipa)
    Eim(eim::Eim),
    /// An IPAd (SGP.32), with a software card in a virtual reader
    Ipad(ipad::IpadArgs),
    /// An SM-DP+ (SGP.22 ES2+ and ES9+)
    Smdp(smdp::Smdp),
    /// An SM-DS (SGP.22 ES11, ES12 and ES15)
    Smds(smds::Smds),
    /// Rows about codecs: which tests of the libraries hold them
    Codec(Common),
}

impl Conform {
    /// Whether no case failed.
    pub(crate) fn run(&self) -> Result<bool, Failure> {
        match &self.subject {
            Subject::Euicc(euicc) => euicc.run(),
            Subject::Eim(eim) => eim.run(),
            Subject::Ipad(ipad) => ipad.run(),
            Subject::Smdp(smdp) => smdp.run(),
            Subject::Smds(smds) => smds.run(),
            Subject::Codec(common) => finish(common, "codec", &[codec::CASES], || Ok(())),
        }
    }
}

/// Lists the cases of a suite, or makes its bench, runs them and reports.
fn finish<B>(
    common: &Common,
    suite: &'static str,
    cases: &[&[Case<B>]],
    bench: impl FnOnce() -> Result<B, Failure>,
) -> Result<bool, Failure> {
    let wanted = common.selection();
    if !cases
        .iter()
        .flat_map(|group| group.iter())
        .any(|case| wanted.wants(case.id))
    {
        return Err("no case has such an identifier; --list shows them".into());
    }
    if common.list {
        for case in cases.iter().flat_map(|group| group.iter()) {
            if wanted.wants(case.id) {
                println!("{:<18} {}", case.id, case.title);
            }
        }
        return Ok(true);
    }
    let mut bench = bench()?;
    let begun = Instant::now();
    let mut tell = |step: Step<'_>| match step {
        Step::Begins(id) => {
            eprint!("{id} ... ");
            let _ = std::io::stderr().flush();
        }
        Step::Ended(outcome) => {
            eprintln!("{}", outcome.line().trim_start_matches(outcome.id).trim())
        }
    };
    let report = run(
        suite,
        cases,
        &mut bench,
        &wanted,
        &|| begun.elapsed(),
        &mut tell,
    );
    print!("{}", report.table());
    if let Some(file) = &common.junit {
        std::fs::write(file, junit(&report))
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(passed(&report))
}

fn passed(report: &Report) -> bool {
    report.count(Verdict::Failed) == 0
}

fn now() -> Result<Timestamp, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(Timestamp::from_secs(now.as_secs()))
}
