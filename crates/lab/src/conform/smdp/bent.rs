//! eUICCs that a server has to refuse: each a change to one that is as it
//! should be.

use std::time::Duration;

use rsp_asn1::Certificate;
use rsp_core::Timestamp;
use rsp_core::pki::Role;
use rsp_crypto::SigningKey;
use rsp_crypto::software::SoftwareKey;

use super::bench::Bench;
use super::euicc::{Euicc, Eum, YEAR, ci_identifier, eum_role, issue};
use crate::conform::case::{Check, fail};

/// Changes an eUICC.
pub(in crate::conform) type Bend = fn(&mut Bench, &mut Euicc) -> Check;

/// Each with the codes of its refusal, subject and reason.
pub(in crate::conform) const EUM_INVALID: (Bend, &str) = (eum_invalid, "8.1.2/6.1");
pub(in crate::conform) const EUM_EXPIRED: (Bend, &str) = (eum_expired, "8.1.2/6.3");
pub(in crate::conform) const EUICC_INVALID: (Bend, &str) = (euicc_invalid, "8.1.3/6.1");
pub(in crate::conform) const EUICC_EXPIRED: (Bend, &str) = (euicc_expired, "8.1.3/6.3");
pub(in crate::conform) const WRONG_KEY: (Bend, &str) = (wrong_key, "8.1/6.1");
pub(in crate::conform) const UNKNOWN_CI: (Bend, &str) = (unknown_ci, "8.11.1/3.9");

fn flipped(certificate: &Certificate) -> Check<Certificate> {
    let mut der = certificate.as_bytes().to_vec();
    if let Some(last) = der.last_mut() {
        *last ^= 1;
    }
    Ok(Certificate::from_bytes(&der)?)
}

fn eum_invalid(_: &mut Bench, euicc: &mut Euicc) -> Check {
    euicc.eum = flipped(&euicc.eum)?;
    Ok(())
}

/// A time that has passed: a year before the bench began.
fn past(bench: &Bench) -> (Timestamp, Timestamp) {
    let begin = bench.now.as_secs().saturating_sub(2 * YEAR.as_secs());
    let begin = Timestamp::from_secs(begin);
    (begin, begin.after(Duration::from_secs(86_400)))
}

fn eum_expired(bench: &mut Bench, euicc: &mut Euicc) -> Check {
    let (ci, ci_key) = bench.ci()?;
    let Some(eum) = &bench.eum else {
        return fail("the bench has no EUM");
    };
    let validity = past(bench);
    euicc.eum = issue(eum_role(bench), "", &eum.key, (&ci, &ci_key), validity)?;
    Ok(())
}

fn euicc_invalid(_: &mut Bench, euicc: &mut Euicc) -> Check {
    euicc.certificate = flipped(&euicc.certificate)?;
    Ok(())
}

fn euicc_expired(bench: &mut Bench, euicc: &mut Euicc) -> Check {
    let Some(eum) = bench.eum.clone() else {
        return fail("the bench has no EUM");
    };
    let eid = euicc.eid.to_string();
    let issuer = (&eum.certificate, &eum.key);
    euicc.certificate = issue(Role::Euicc, &eid, &euicc.key, issuer, past(bench))?;
    Ok(())
}

fn wrong_key(bench: &mut Bench, euicc: &mut Euicc) -> Check {
    let curve = SigningKey::public_key(&euicc.key).curve();
    euicc.key = SoftwareKey::generate(curve, &mut bench.rng)?;
    Ok(())
}

fn unknown_ci(bench: &mut Bench, euicc: &mut Euicc) -> Check {
    let (ci, ci_key) = bench.ci()?;
    let curve = SigningKey::public_key(&ci_key).curve();
    let foreign = SoftwareKey::generate(curve, &mut bench.rng)?;
    let validity = (bench.now, bench.now.after(YEAR));
    let role = Role::Ci {
        oid: "2.999.1".into(),
    };
    let root = issue(role, "", &foreign, (&ci, &foreign), validity)?;
    let eum = Eum::under(bench, (&root, &foreign))?;
    *euicc = Euicc::of(bench, &eum, ci_identifier(&foreign), bench.made)?;
    Ok(())
}
