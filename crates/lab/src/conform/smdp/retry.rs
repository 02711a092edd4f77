//! A package that is asked for again: SGP.23 4.3.13.2.4 and .7.

use rsp_crypto::SigningKey;
use rsp_crypto::software::SoftwareKey;

use super::bench::{Bench, Order};
use crate::conform::case::{Case, Check, case, ensure, same, some};
use crate::conform::der::shown;

/// The one-time key with which an eUICC comes back.
#[derive(Clone, Copy, PartialEq)]
enum Key {
    /// That of the first time, in a new session.
    Same,
    /// Another one, although the SM-DP+ names the first.
    Other,
    /// That of the first time, then another one.
    Changing,
}

use Key::{Changing, Other, Same};

pub(super) const CASES: &[Case<Bench>] = &[
    case(
        "4.3.13.2.4-01",
        "session keys: the same one-time key",
        |b| retry(b, Same, false, false),
    ),
    case("4.3.13.2.4-02", "session keys: another one-time key", |b| {
        retry(b, Other, false, false)
    }),
    case(
        "4.3.13.2.4-03",
        "session keys: the same, then another",
        |b| retry(b, Changing, false, false),
    ),
    case(
        "4.3.13.2.4-04",
        "session keys, confirmation code: the same",
        |b| retry(b, Same, true, false),
    ),
    case(
        "4.3.13.2.4-05",
        "session keys, confirmation code: another",
        |b| retry(b, Other, true, false),
    ),
    case(
        "4.3.13.2.4-06",
        "session keys, confirmation code: both",
        |b| retry(b, Changing, true, false),
    ),
    case(
        "4.3.13.2.4-07",
        "a package that stays bound: another is refused",
        bound_once,
    ),
    case("4.3.13.2.7-08", "own keys: the same one-time key", |b| {
        retry(b, Same, false, true)
    }),
    case("4.3.13.2.7-09", "own keys: another one-time key", |b| {
        retry(b, Other, false, true)
    }),
    case("4.3.13.2.7-10", "own keys: the same, then another", |b| {
        retry(b, Changing, false, true)
    }),
    case(
        "4.3.13.2.7-11",
        "own keys, confirmation code: the same",
        |b| retry(b, Same, true, true),
    ),
    case(
        "4.3.13.2.7-12",
        "own keys, confirmation code: another",
        |b| retry(b, Other, true, true),
    ),
    case("4.3.13.2.7-13", "own keys, confirmation code: both", |b| {
        retry(b, Changing, true, true)
    }),
];

fn retry(bench: &mut Bench, key: Key, code: bool, own_keys: bool) -> Check {
    let protected = bench.settings.protected_type.clone();
    let protected = match own_keys {
        true => Some(bench.special(&protected, "whose profiles have keys of their own")?),
        false => None,
    };
    let mut euicc = bench.euicc()?;
    euicc.code = code.then(|| "4711".to_string());
    let ordered = bench.order(&Order {
        code: code.then_some("4711"),
        profile_type: protected.as_deref(),
        ..Order::default()
    })?;
    let id = ordered.matching_id.as_str();
    let offered = bench.offered(&euicc, Some(id))?;
    let first = bench.opened(&euicc, &offered)?;
    let steps: &[bool] = match key {
        Same => &[true],
        Other => &[false],
        Changing => &[true, false],
    };
    for same_key in steps {
        let offered = bench.offered(&euicc, Some(id))?;
        let bound = offered.signed.bpp_euicc_otpk.as_deref();
        let bound = some("bppEuiccOtpk", bound)?;
        let known = SigningKey::public_key(&euicc.one_time).as_sec1();
        same("bppEuiccOtpk", shown(bound), shown(known))?;
        if !same_key {
            let curve = SigningKey::public_key(&euicc.one_time).curve();
            euicc.one_time = SoftwareKey::generate(curve, &mut bench.rng)?;
        }
        let again = bench.opened(&euicc, &offered)?;
        let is_same = again.smdp_otpk == first.smdp_otpk;
        match same_key {
            true => ensure(is_same, "the same one-time key gets the same smdpOtpk")?,
            false => ensure(!is_same, "another one-time key gets another smdpOtpk")?,
        }
    }
    Ok(())
}

fn bound_once(bench: &mut Bench) -> Check {
    let once = bench.settings.bound_once_type.clone();
    let name = bench.special(&once, "whose packages stay bound")?;
    let mut euicc = bench.euicc()?;
    let order = Order {
        profile_type: Some(&name),
        ..Order::default()
    };
    let ordered = bench.order(&order)?;
    let offered = bench.offered(&euicc, Some(&ordered.matching_id))?;
    bench.opened(&euicc, &offered)?;
    let offered = bench.offered(&euicc, Some(&ordered.matching_id))?;
    let curve = SigningKey::public_key(&euicc.one_time).curve();
    euicc.one_time = SoftwareKey::generate(curve, &mut bench.rng)?;
    let reply = bench.get_package(&euicc, &offered)?;
    reply.refused_with("getBoundProfilePackage", "8.2/3.7")
}
