//! Files of the field that tests read: profile packages and certificates. They
//! are not part of the project; a test that misses them says so and counts as
//! skipped.

use std::io::Write;
use std::path::PathBuf;

/// The folder with test data: `SIMURGH_TEST_DATA`, or `shared` beside the
/// checkout. `None` if there is none: then the skipped test is reported.
pub fn folder(test: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let folder = std::env::var_os("SIMURGH_TEST_DATA").map_or_else(|| beside.into(), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    skip(test, &format!("no folder {}", folder.display()));
    None
}

/// Says that a test is skipped, and counts it.
pub fn skip(test: &str, reason: &str) {
    println!("SKIPPED: {test}: {reason}");
    let Some(log) = std::env::var_os("SIMURGH_SKIP_LOG") else {
        return;
    };
    let mut options = std::fs::OpenOptions::new();
    let log = options.append(true).create(true).open(log);
    // The line on standard output is there in any case.
    let _ = log.and_then(|mut log| writeln!(log, "{test}: {reason}"));
}
