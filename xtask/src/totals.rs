//! Counting what passed, failed and was skipped.

use std::fmt;

/// The sum over everything that ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Tests and checks that ran to the end and held.
    pub(crate) passed: u64,
    /// Tests and checks that did not hold.
    pub(crate) failed: u64,
    /// Tests and checks that did not run, or could not for want of something.
    pub(crate) skipped: u64,
}

impl Totals {
    /// One check that held or did not.
    pub(crate) fn one(held: bool) -> Self {
        Self {
            passed: u64::from(held),
            failed: u64::from(!held),
            skipped: 0,
        }
    }

    /// One check that could not run.
    pub(crate) fn one_skipped() -> Self {
        Self {
            skipped: 1,
            ..Self::default()
        }
    }

    /// Reads a test binary's closing line,
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; …`; ignored tests are
    /// skipped ones. Any other line is `None`.
    pub(crate) fn from_result_line(line: &str) -> Option<Self> {
        let (_verdict, counts) = line
            .trim()
            .strip_prefix("test result: ")?
            .split_once(". ")?;
        let mut totals = Self::default();
        for part in counts.split(';') {
            let Some((number, what)) = part.trim().split_once(' ') else {
                continue;
            };
            match what {
                "passed" => totals.passed = number.parse().ok()?,
                "failed" => totals.failed = number.parse().ok()?,
                "ignored" => totals.skipped = number.parse().ok()?,
                _ => {}
            }
        }
        Some(totals)
    }

    /// Adds another sum to this one.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Moves tests that returned early, and said so, from passed to skipped.
    pub(crate) fn move_to_skipped(&mut self, count: u64) {
        self.passed = self.passed.saturating_sub(count);
        self.skipped += count;
    }

    /// How many ran to a verdict.
    pub(crate) fn ran(&self) -> u64 {
        self.passed + self.failed
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed() {
        let output = "\
running 3 tests
test a ... ok
test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.2s
all tests passed; 9 failed";
        let mut sum = Totals::default();
        for totals in output.lines().filter_map(Totals::from_result_line) {
            sum.add(totals);
        }
        assert_eq!(sum.to_string(), "15 passed, 4 failed, 2 skipped");
        assert_eq!(sum.ran(), 19);
    }

    #[test]
    fn a_test_that_gave_up_early_did_not_pass() {
        let mut sum = Totals {
            passed: 5,
            failed: 1,
            skipped: 1,
        };
        sum.move_to_skipped(2);
        assert_eq!(sum.to_string(), "3 passed, 1 failed, 3 skipped");
    }

    #[test]
    fn checks_count_as_one() {
        let mut sum = Totals::one(true);
        sum.add(Totals::one(false));
        sum.add(Totals::one_skipped());
        assert_eq!(sum.to_string(), "1 passed, 1 failed, 1 skipped");
    }
}
