//! The same on brainpoolP256r1: SGP.23 4.3.12.2.3, 4.3.14.2.5, 4.3.13.2.3,
//! 4.3.15.2.3, 4.3.16.2.5 and .6.

use rsp_crypto::Curve;

use super::bench::{Bench, Order};
use super::{cancel, initiate, notification};
use crate::conform::case::{Case, Check, case};

pub(super) const CASES: &[Case<Bench>] = &[
    case(
        "4.3.12.2.3",
        "InitiateAuthentication on brainpoolP256r1",
        |b| on(b, initiate::nominal),
    ),
    case("4.3.14.2.5", "AuthenticateClient on brainpoolP256r1", |b| {
        on(b, offered)
    }),
    case(
        "4.3.13.2.3",
        "GetBoundProfilePackage on brainpoolP256r1",
        |b| on(b, delivered),
    ),
    case("4.3.15.2.3", "HandleNotification on brainpoolP256r1", |b| {
        on(b, notification::success)
    }),
    case("4.3.16.2.5", "CancelSession on brainpoolP256r1", |b| {
        on(b, |b| cancel::reasons(b, false))
    }),
    case(
        "4.3.16.2.6",
        "CancelSession on brainpoolP256r1: errors",
        |b| on(b, cancel::unknown),
    ),
];

/// Runs a case on the other curve.
fn on(bench: &mut Bench, run: impl FnOnce(&mut Bench) -> Check) -> Check {
    if bench.settings.brainpool.is_none() {
        return crate::conform::case::skip("no CI on brainpoolP256r1 is given (--brainpool-ca)");
    }
    let eum = bench.eum.take();
    bench.curve = Curve::BrainpoolP256r1;
    let done = run(bench);
    bench.curve = Curve::NistP256;
    bench.eum = eum;
    done
}

fn offered(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let ordered = bench.order(&Order::default())?;
    bench.offered(&euicc, Some(&ordered.matching_id)).map(drop)
}

fn delivered(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let ordered = bench.order(&Order::default())?;
    let offered = bench.offered(&euicc, Some(&ordered.matching_id))?;
    bench.opened(&euicc, &offered).map(drop)
}
