//! Fuzz targets: one function for each decoder that reads what a network, a
//! card or a person hands in.
//!
//! A target takes any octets and must return: it panics only if a property
//! does not hold. The corpora are in `corpus`, one folder per target; the
//! tests run every file of them through its target, and `cargo xtask fuzz`
//! goes on from there with libFuzzer.
#![deny(missing_docs)]

mod asn1;
mod bindings;
mod bsp;
mod card;
mod card_ipa;
mod card_ota;
mod datagrams;
mod doors;
mod fleet;
mod input;
mod ipa;
mod pki;
mod profile;

/// A target: any octets in, and it returns.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("activation_code", ipa::activation_code),
    ("api_json", doors::api_json),
    ("bound_profile_package", asn1::bound_profile_package),
    ("bsp", bsp::segments),
    ("card_apdus", card::apdus),
    ("card_ota", card_ota::packets),
    ("card_terminal", card_ipa::terminal),
    ("card_tls", card_ipa::records),
    ("certificates", pki::certificates),
    ("coap", datagrams::coap),
    ("devices", fleet::devices),
    ("es2plus_json", bindings::es2plus_json),
    ("es9plus_asn1", asn1::es9plus),
    ("es9plus_json", bindings::es9plus_json),
    ("es10", asn1::es10),
    ("esipa", asn1::esipa),
    ("esipa_json", bindings::esipa_json),
    ("euicc_package", asn1::euicc_package),
    ("http_messages", doors::http_messages),
    ("identifiers", asn1::identifiers),
    ("install", card::install),
    ("ipa_and_answers", ipa::answers),
    ("ipa_and_card", ipa::with_card),
    ("mqtt", datagrams::mqtt),
    ("profile_package", profile::package),
    ("query", fleet::query),
    ("uicc_apdus", card::file_system),
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    let mut targets = TARGETS.iter();
    targets.find_map(|(known, target)| (*known == name).then_some(*target))
}
