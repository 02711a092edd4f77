//! Rows that no black box can be asked, and why.

use super::bench::Bench;
use crate::conform::case::{Case, absent};

/// What the case takes is an event inside the device: a switch of its modem, a
/// call, a loss of network. Nothing on the two wires of an IPAd, that to its
/// card and that to its eIM, brings it about.
const NO_EVENT: &str = "needs an event inside the device, which neither its card nor its eIM can \
                        bring about; held for our own IPA by crates/lab/tests/ipa_state_changes.rs";

pub(super) const CASES: &[Case<Bench>] = &[
    absent(
        "IPA-29",
        "the network changes with the profile",
        "needs a modem whose network comes with the profile; held for our own IPA by \
         crates/lab/tests/ipa_rollback.rs",
    ),
    absent("IPA-44", "a cause outlasts a lost answer", NO_EVENT),
    absent("IPA-45", "causes of state changes", NO_EVENT),
    absent(
        "IPA-46",
        "rPLMN",
        "needs a modem that is registered in a network; held for our own IPA by \
         crates/lab/tests/ipa_state_changes.rs",
    ),
    absent("IPA-56", "fallback", NO_EVENT),
];
