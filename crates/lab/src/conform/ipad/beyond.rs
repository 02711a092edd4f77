//! Rows that this suite has no conversation for yet.

use super::bench::Bench;
use crate::conform::case::{Case, absent};

const NO_SMDP: &str = "needs an SM-DP+ of the suite's own at the IPAd, which this suite does not \
                       play yet; held for simurgh-agent by apps/simurgh-agent/tests/pcsc_chain";
const NO_CARD: &str = "needs a card that answers otherwise than a eUICC does; held for our own \
                       IPA by crates/lab/tests/card_answers.rs and ipa_failures.rs";
const NO_TIME: &str = "needs minutes of waiting on a real clock; held for our own IPA on a fake \
                       one by crates/lab/tests/ipa_rollback.rs";
const NO_CAUSE: &str = "the suite cannot make a foreign device meet with the cause";

pub(super) const CASES: &[Case<Bench>] = &[
    absent("IPA-02", "an indirect download", NO_SMDP),
    absent(
        "IPA-04",
        "a rollback, since the eIM does not answer",
        NO_TIME,
    ),
    absent("IPA-28", "BF2B fails", NO_CARD),
    absent("IPA-29", "the network changes with the profile", NO_CAUSE),
    absent("IPA-30", "REFRESH closes the channel", NO_CARD),
    absent("IPA-37", "contactDefaultSmdp", NO_SMDP),
    absent("IPA-38", "contactSmds", NO_SMDP),
    absent("IPA-39", "a direct download", NO_SMDP),
    absent("IPA-44", "a cause outlasts a lost answer", NO_CAUSE),
    absent("IPA-45", "causes of state changes", NO_CAUSE),
    absent("IPA-46", "rPLMN", NO_CAUSE),
    absent("IPA-47", "a policy rule without leave", NO_SMDP),
    absent("IPA-48", "the eIM answers pprNotAllowed", NO_SMDP),
    absent("IPA-49", "the eIM answers metadataMismatch", NO_SMDP),
    absent("IPA-50", "the package ends without result", NO_SMDP),
    absent("IPA-53", "BF30 finds nothing to delete", NO_CARD),
    absent("IPA-55", "the rollback is not allowed", NO_CARD),
    absent("IPA-56", "fallback", NO_CAUSE),
    absent(
        "IPA-59",
        "the JSON binding",
        "the suite's eIM speaks the ASN.1 binding only",
    ),
    absent("IPA-61", "an answer that does not fit the request", NO_SMDP),
];
