//! The command line: which task, with which options, and the help texts.

use std::time::Duration;

use crate::process::Failure;

/// One invocation of `cargo xtask`, parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Print this text.
    Help(&'static str),
    /// Install what is missing from Debian.
    Setup,
    /// Run the demonstration; the arguments are the lab program's.
    Demo(Vec<String>),
    /// Run the yardsticks; the arguments are the lab program's.
    Bench(Vec<String>),
    /// Run the suites.
    Test(TestOptions),
    /// Fuzz.
    Fuzz(FuzzOptions),
    /// Formatting, clippy and tidy.
    Lint,
    /// The house rules that no compiler checks.
    Tidy,
    /// How much of the standards has a test.
    Coverage,
    /// Write what is generated from the routes of the API.
    Codegen,
}

/// What `cargo xtask test` runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TestOptions {
    /// Full sizes: ignored tests too, and `SIMURGH_LONG=1` for the others.
    pub(crate) long: bool,
    /// Only the tests whose name contains this; the other suites stay out.
    pub(crate) filter: Option<String>,
}

/// What `cargo xtask fuzz` runs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FuzzOptions {
    /// How long in all, split over the targets.
    pub(crate) total: Duration,
    /// Only this target.
    pub(crate) target: Option<String>,
}

impl Default for FuzzOptions {
    fn default() -> Self {
        FuzzOptions {
            total: Duration::from_secs(300),
            target: None,
        }
    }
}

/// Parses the arguments that follow `cargo xtask`.
///
/// # Errors
///
/// [`Failure::Usage`] names the word that was not understood.
pub(crate) fn parse(arguments: &[String]) -> Result<Task, Failure> {
    let Some((name, rest)) = arguments.split_first() else {
        return Ok(Task::Help(HELP));
    };
    match name.as_str() {
        "-h" | "--help" => Ok(Task::Help(HELP)),
        "help" => help_about(rest),
        // The lab program has its own --help: everything is passed through.
        "demo" => {
            Ok(asks_help(rest).map_or_else(|| Task::Demo(rest.to_vec()), |()| Task::Help(DEMO)))
        }
        "bench" => {
            Ok(asks_help(rest).map_or_else(|| Task::Bench(rest.to_vec()), |()| Task::Help(BENCH)))
        }
        "test" => parse_test(rest),
        "fuzz" => parse_fuzz(rest),
        "setup" => bare(rest, Task::Setup, SETUP),
        "lint" => bare(rest, Task::Lint, LINT),
        "tidy" => bare(rest, Task::Tidy, TIDY),
        "coverage" => bare(rest, Task::Coverage, COVERAGE),
        "codegen" => bare(rest, Task::Codegen, CODEGEN),
        other => Err(Failure::Usage(format!("no task is called `{other}`"))),
    }
}

fn help_about(rest: &[String]) -> Result<Task, Failure> {
    match rest.first().map(String::as_str) {
        None => Ok(Task::Help(HELP)),
        Some("setup") => Ok(Task::Help(SETUP)),
        Some("demo") => Ok(Task::Help(DEMO)),
        Some("test") => Ok(Task::Help(TEST)),
        Some("fuzz") => Ok(Task::Help(FUZZ)),
        Some("lint") => Ok(Task::Help(LINT)),
        Some("tidy") => Ok(Task::Help(TIDY)),
        Some("coverage") => Ok(Task::Help(COVERAGE)),
        Some("codegen") => Ok(Task::Help(CODEGEN)),
        Some("bench") => Ok(Task::Help(BENCH)),
        Some(other) => Err(Failure::Usage(format!("no task is called `{other}`"))),
    }
}

fn parse_test(rest: &[String]) -> Result<Task, Failure> {
    let mut options = TestOptions::default();
    for word in rest {
        match word.as_str() {
            "-h" | "--help" => return Ok(Task::Help(TEST)),
            "--long" => options.long = true,
            flag if flag.starts_with('-') => {
                return Err(Failure::Usage(format!("`test` has no option `{flag}`")));
            }
            filter if options.filter.is_none() => options.filter = Some(filter.to_owned()),
            extra => {
                return Err(Failure::Usage(format!(
                    "`test` takes one filter, `{extra}` is a second"
                )));
            }
        }
    }
    Ok(Task::Test(options))
}

fn parse_fuzz(rest: &[String]) -> Result<Task, Failure> {
    let mut options = FuzzOptions::default();
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-h" | "--help" => return Ok(Task::Help(FUZZ)),
            "--seconds" => {
                let number = words.next().and_then(|word| word.parse().ok());
                options.total = number.map(Duration::from_secs).ok_or_else(|| {
                    Failure::Usage("`--seconds` takes a number of seconds".to_owned())
                })?;
            }
            flag if flag.starts_with('-') => {
                return Err(Failure::Usage(format!("`fuzz` has no option `{flag}`")));
            }
            target if options.target.is_none() => options.target = Some(target.to_owned()),
            extra => {
                return Err(Failure::Usage(format!(
                    "`fuzz` takes one target, `{extra}` is a second"
                )));
            }
        }
    }
    Ok(Task::Fuzz(options))
}

fn bare(rest: &[String], task: Task, help: &'static str) -> Result<Task, Failure> {
    match rest.first().map(String::as_str) {
        None => Ok(task),
        Some("-h" | "--help") => Ok(Task::Help(help)),
        Some(word) => Err(Failure::Usage(format!(
            "this task takes no arguments, `{word}` was given"
        ))),
    }
}

/// Help is ours only when it is all that was asked: `demo --once --help` and
/// the like belong to the lab program.
fn asks_help(rest: &[String]) -> Option<()> {
    match rest {
        [only] if only == "-h" || only == "--help" => Some(()),
        _ => None,
    }
}

const HELP: &str = "\
Usage: cargo xtask <TASK> [ARGUMENTS]

Everyday:
  demo    Set up, build and run the main job on the embedded store
  test    Set up and run every suite; totals come last

For developers:
  fuzz    Search for inputs that a decoder does not survive
  setup   Install what the build and the suites need from Debian
  lint    Formatting, clippy, tidy, and whether what is generated is fresh
  codegen
          Write the OpenAPI document and the client from the routes of the API
  tidy    The house rules no compiler checks: rooms, paths, ratchets, words
  coverage
          What of the standards has a test, in percent, and what is missing
  bench   Run the yardsticks, figure against goal

`cargo xtask <TASK> --help` says more about one of them.
";

const SETUP: &str = "\
Usage: cargo xtask setup

Makes sure that a C and a C++ compiler, the C library's headers, ca-certificates,
git, the openssl command and the toolchain's rustfmt and clippy are present. As
root on Debian it installs what is missing with apt-get; otherwise it prints
the command to type and exits with 1. What suites run from PyPI is put into
target/python.
";

const DEMO: &str = "\
Usage: cargo xtask demo [ARGUMENTS]

Sets up what the build needs, builds the server and the lab in release mode
and runs `simurgh-lab demo ARGUMENTS`. The build talks on stderr; stdout and
the exit code are the demonstration's own, and the last line on stdout is its
JSON line.

Examples:
  cargo xtask demo --once
  cargo xtask demo --once --devices 50
  cargo xtask demo --once --zero-touch --devices 100
  cargo xtask demo --once --help      the demonstration's own options
";

const TEST: &str = "\
Usage: cargo xtask test [--long] [FILTER]

Sets up, then runs formatting, clippy, tidy, every test of the workspace with
its documentation examples, five minutes of fuzzing in all, and cargo-deny
where it is installed. The last line reads `N passed, N failed, N skipped`;
each check counts as one. Exits with 1 when anything failed or when no test
ran.

  --long    The full sizes: ignored tests too, SIMURGH_LONG=1 for all, and an
            hour of fuzzing for each target
  FILTER    Only the tests whose name contains FILTER, and no other suite
";

const FUZZ: &str = "\
Usage: cargo xtask fuzz [--seconds N] [TARGET]

Builds the targets of the fuzz crate with libFuzzer and runs them, as many at
a time as there are processors, from the corpora in fuzz/corpus. What they
find and what they grow stays in target/fuzz. Exits with 1 when an input made
a target fail: that input, copied into the corpus, is from then on a test.

  --seconds N   How long in all, split over the targets (default 300)
  TARGET        Only this target: a folder of fuzz/corpus
";

const LINT: &str = "\
Usage: cargo xtask lint

Runs `cargo fmt --check`, clippy with warnings denied, tidy, and looks whether
what `cargo xtask codegen` writes is as it is committed.
";

const CODEGEN: &str = "\
Usage: cargo xtask codegen

Writes crates/api/openapi.json, the OpenAPI document of the routes, and
crates/api/src/generated/operations.rs, the functions of the client, from it. If
the client does not build any more because a type is gone, remove the functions
that name it first.
";

const TIDY: &str = "\
Usage: cargo xtask tidy

Holds the tree against the house rules: which crate may depend on which, that
every path named in a document exists, that long functions and files only get
fewer (xtask/ratchet.toml), that no leftover notes remain, and that the
crates without I/O are built without std, and that spec/coverage.toml has a row
for each function and code of the standards and names tests that are there.
";

const COVERAGE: &str = "\
Usage: cargo xtask coverage

Counts the rows of spec/coverage.toml: each function, error code and
alternative of SGP.32 v1.2 and of what it uses of SGP.22, with the test that
fails when it breaks. Prints each table, every missing row by name and the
percentage. `tidy` fails on a row that is not there or whose test is not.
";

const BENCH: &str = "\
Usage: cargo xtask bench [ARGUMENTS]

Builds in release mode and runs `simurgh-lab bench ARGUMENTS`.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words)
    }

    #[test]
    fn demo_arguments_pass_through_unchanged() {
        let task = parsed("demo --once --devices 3 -- -x").unwrap();
        let expected = ["--once", "--devices", "3", "--", "-x"].map(str::to_owned);
        assert_eq!(task, Task::Demo(expected.to_vec()));
    }

    #[test]
    fn test_takes_a_flag_and_one_filter() {
        let expected = TestOptions {
            long: true,
            filter: Some("pki".to_owned()),
        };
        assert_eq!(parsed("test pki --long").unwrap(), Task::Test(expected));
        assert!(matches!(parsed("test a b"), Err(Failure::Usage(_))));
        assert!(matches!(parsed("test --lang"), Err(Failure::Usage(_))));
    }

    #[test]
    fn fuzz_takes_a_time_and_one_target() {
        let expected = FuzzOptions {
            total: Duration::from_secs(60),
            target: Some("esipa".to_owned()),
        };
        let task = parsed("fuzz --seconds 60 esipa").unwrap();
        assert_eq!(task, Task::Fuzz(expected));
        assert_eq!(parsed("fuzz").unwrap(), Task::Fuzz(FuzzOptions::default()));
        for wrong in ["fuzz a b", "fuzz --seconds", "fuzz --seconds x", "fuzz -q"] {
            assert!(matches!(parsed(wrong), Err(Failure::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn every_task_has_help_and_unknown_words_are_refused() {
        for task in [
            "setup", "demo", "test", "fuzz", "lint", "tidy", "coverage", "bench", "codegen",
        ] {
            assert!(matches!(
                parsed(&format!("{task} --help")),
                Ok(Task::Help(_))
            ));
            assert_eq!(
                parsed(&format!("{task} --help")).unwrap(),
                parsed(&format!("help {task}")).unwrap()
            );
        }
        assert!(matches!(parsed("dmo"), Err(Failure::Usage(_))));
        assert!(matches!(parsed("setup now"), Err(Failure::Usage(_))));
    }
}
