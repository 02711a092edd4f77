//! libFuzzer with one of the targets: `SIMURGH_FUZZ_TARGET` says which.
//! `cargo xtask fuzz` builds and runs it.
#![no_main]
#![allow(unsafe_code, reason = "libFuzzer calls an exported function")]

use std::sync::OnceLock;

use fuzz::{Target, target};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<Target> = OnceLock::new();

fn chosen() -> Target {
    let name = std::env::var("SIMURGH_FUZZ_TARGET").unwrap_or_default();
    target(&name).unwrap_or_else(|| panic!("SIMURGH_FUZZ_TARGET is no target: {name:?}"))
}

fuzz_target!(|data: &[u8]| {
    TARGET.get_or_init(chosen)(data);
});
