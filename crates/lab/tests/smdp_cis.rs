//! An SM-DP+ under two CIs, one on each curve: the eUICC's preference decides
//! which certificates it sees and under which CI it signs (SGP.22 5.6.1).
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod smdp_support;

use rsp_asn1::Certificate;
use rsp_core::Context;
use rsp_core::pki::TrustAnchor;
use rsp_core::smdp::{DpIdentity, Refusal, SetupError, Smdp};
use rsp_crypto::Curve;
use rsp_crypto::software::{SeededRng, SoftwareProvider};
use smdp_support::{ADDRESS, Ca, START, YEAR, eid};

fn cas() -> (Ca, Ca, Ca) {
    let mut rng = SeededRng::new(9);
    (
        Ca::on(Curve::NistP256, &mut rng),
        Ca::on(Curve::BrainpoolP256r1, &mut rng),
        Ca::on(Curve::NistP256, &mut rng),
    )
}

fn smdp(sets: Vec<DpIdentity>, cas: &[&Ca]) -> Result<Smdp, SetupError> {
    let anchors: Vec<TrustAnchor> = cas.iter().map(|ca| ca.anchor.clone()).collect();
    let address = ADDRESS.to_string();
    Smdp::new(address, sets, anchors, START, &SoftwareProvider)
}

/// What the SM-DP+ shows to an eUICC with these lists.
fn chosen(
    smdp: &Smdp,
    verification: &[&Ca],
    signing: &[&Ca],
) -> Result<(Certificate, Vec<u8>), Refusal> {
    let mut rng = SeededRng::new(1);
    let card = signing.first().or(verification.first()).unwrap();
    let mut request = card
        .card(eid("89049032", 1), START.after(YEAR), &mut rng)
        .initiate();
    let ids = |cas: &[&Ca]| {
        cas.iter()
            .map(|ca| ca.anchor.key_identifier.clone())
            .collect()
    };
    request.euicc_info1.euicc_ci_pk_id_list_for_verification = ids(verification);
    request.euicc_info1.euicc_ci_pk_id_list_for_signing = ids(signing);
    let mut cx = Context {
        now: START,
        rng: &mut rng,
        crypto: &SoftwareProvider,
    };
    let reply = smdp.initiate_authentication(&request, &mut cx)?.reply;
    Ok((reply.server_certificate, reply.euicc_ci_pk_id_to_be_used))
}

#[test]
fn the_euicc_prefers_and_one_curve_comes_first() {
    let (nist, brainpool, other) = cas();
    let smdp = smdp(vec![nist.set(), brainpool.set()], &[&nist, &brainpool]).unwrap();
    let under = |ca: &Ca| Ok((ca.auth.0.clone(), ca.anchor.key_identifier.clone()));
    let both = [&nist, &brainpool];
    let reversed = [&brainpool, &nist];
    assert_eq!(chosen(&smdp, &both, &both), under(&nist));
    assert_eq!(chosen(&smdp, &reversed, &reversed), under(&brainpool));
    // The eUICC has one key only: the certificates follow its curve.
    assert_eq!(chosen(&smdp, &both, &[&brainpool]), under(&brainpool));
    assert_eq!(chosen(&smdp, &reversed, &[&nist]), under(&nist));
    // Strangers are passed over.
    assert_eq!(
        chosen(&smdp, &[&other, &brainpool], &reversed),
        under(&brainpool)
    );
    // Nothing on one curve: the first of each list; the eUICC may refuse.
    let mixed = (nist.auth.0.clone(), brainpool.anchor.key_identifier.clone());
    assert_eq!(chosen(&smdp, &[&nist], &[&brainpool]), Ok(mixed));
    let refused = chosen(&smdp, &[&other], &both);
    assert_eq!(refused, Err(Refusal::NoCertificateForCi));
    let refused = chosen(&smdp, &both, &[&other]);
    assert_eq!(refused, Err(Refusal::UnsupportedCi));
}

#[test]
fn one_set_per_ci() {
    let (nist, brainpool, _) = cas();
    let both = [&nist, &brainpool];
    assert_eq!(smdp(vec![], &both).unwrap_err(), SetupError::Sets);
    let twice = vec![nist.set(), brainpool.set(), nist.set()];
    assert_eq!(smdp(twice, &both).unwrap_err(), SetupError::Sets);
}
