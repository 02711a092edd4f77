//! Which certificates of a server a session uses (SGP.22 2.6.8, 5.6.1, 5.8.1).

use alloc::vec::Vec;

use rsp_asn1::Oid;
use rsp_asn1::rsp::{EuiccInfo1, SubjectKeyIdentifier};
use rsp_crypto::Curve;

use super::InitiationRefused;
use crate::Identity;
use crate::pki::TrustAnchor;

/// The certificates and keys of a server under one CI.
pub(crate) trait Set {
    /// Key identifier of the CI above them.
    fn ci(&self) -> &SubjectKeyIdentifier;
    /// Certificate and key that authenticate the server.
    fn auth(&self) -> &Identity;
    /// The identity of the server that they name.
    fn oid(&self) -> &Oid;

    /// The curve of the set.
    fn curve(&self) -> Curve {
        self.auth().key.public_key().curve()
    }
}

/// Why sets are not those of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOneServer {
    /// They name different servers.
    Oid,
    /// There is none, or there are two under one CI.
    Sets,
}

/// The identity of the server, whose sets these are: one under each CI.
pub(crate) fn of_one_server<S: Set>(sets: &[S]) -> Result<Oid, NotOneServer> {
    let oid = sets.first().ok_or(NotOneServer::Sets)?.oid();
    if sets.iter().any(|set| set.oid() != oid) {
        return Err(NotOneServer::Oid);
    }
    let under = |ci| sets.iter().filter(|set| set.ci() == ci).count();
    match sets.iter().any(|set| under(set.ci()) != 1) {
        true => Err(NotOneServer::Sets),
        false => Ok(oid.clone()),
    }
}

/// The set to be shown to an eUICC, and the CI that it signs under: of what
/// both have, what the eUICC prefers. A pair on one curve comes first, since
/// one-time keys are on the curve of the server's certificates.
pub(crate) fn choose<'a, S: Set>(
    sets: &'a [S],
    anchors: &[TrustAnchor],
    info: &EuiccInfo1,
) -> Result<(&'a S, SubjectKeyIdentifier), InitiationRefused> {
    let under = |ci: &SubjectKeyIdentifier| sets.iter().find(|set| set.ci() == ci);
    let known = |ci: &SubjectKeyIdentifier| {
        let mut anchors = anchors.iter();
        anchors.find(|anchor| anchor.key_identifier == *ci)
    };
    let shown = info.euicc_ci_pk_id_list_for_verification.iter();
    let shown: Vec<&S> = shown.filter_map(under).collect();
    let first = shown.first().ok_or(InitiationRefused::NoCertificateForCi)?;
    let signing = info.euicc_ci_pk_id_list_for_signing.iter();
    let signing: Vec<&TrustAnchor> = signing.filter_map(known).collect();
    let first_signing = signing.first().ok_or(InitiationRefused::UnsupportedCi)?;
    let on_one_curve = shown.iter().find_map(|set| {
        let same = |anchor: &&&TrustAnchor| anchor.certificate.public_key.curve() == set.curve();
        Some((*set, *signing.iter().find(same)?))
    });
    let (set, anchor) = on_one_curve.unwrap_or((first, first_signing));
    Ok((set, anchor.key_identifier.clone()))
}
