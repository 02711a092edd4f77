//! Certificates of servers, eIMs and eUICCs.

use rsp_asn1::{Asn1, Certificate};
use rsp_core::Timestamp;
use rsp_core::pki::{
    Eum, ParsedCertificate, TrustAnchor, certificate_from_pem, certificate_to_pem, policy,
    verify_euicc_chain, verify_under,
};
use rsp_crypto::software::SoftwareProvider;

use crate::input::pieces;

/// Certificates one after another: each is read, the first is an anchor if it
/// can be one, the others are verified under it.
pub(crate) fn certificates(data: &[u8]) {
    if let Some(certificate) = std::str::from_utf8(data)
        .ok()
        .and_then(certificate_from_pem)
    {
        let text = certificate_to_pem(&certificate);
        assert_eq!(certificate_from_pem(&text), Some(certificate));
    }
    let now = Timestamp(1_800_000_000);
    let read = pieces(data).take(3).map(Certificate::from_der);
    let read: Vec<Certificate> = read.filter_map(Result::ok).collect();
    for certificate in &read {
        if let Ok(parsed) = ParsedCertificate::parse(certificate) {
            let _ = (
                parsed.eid(),
                parsed.is_valid_at(now),
                parsed.has_policy(policy::EUM),
            );
        }
        let _ = Eum::new(certificate.clone());
    }
    let anchor = read
        .first()
        .map(|first| TrustAnchor::new(first, &SoftwareProvider));
    let anchors: Vec<TrustAnchor> = anchor.into_iter().flatten().collect();
    for certificate in read.iter().skip(1) {
        let _ = verify_under(
            certificate,
            policy::DP_AUTH,
            &anchors,
            now,
            &SoftwareProvider,
        );
    }
    if let [_, eum, euicc] = read.as_slice() {
        let _ = verify_euicc_chain(eum, euicc, &anchors, now, &SoftwareProvider);
    }
}
