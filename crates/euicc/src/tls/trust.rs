//! Whom the card believes: the key or certificate that an eIM's association
//! names (trustedPublicKeyDataTls, SGP.32 2.11.1.1.1), of the server itself or
//! of who certified it; and SM-DP+s under the card's CIs. The card has no clock: validity is not looked at.

use alloc::vec::Vec;

use rsp_asn1::{Asn1, Certificate, Tag, Tlv};
use rsp_crypto::{Provider, PublicKey};

use super::reader::Octets;
use super::{Peer, TlsError, Trust};
use crate::certificate::{self, Role};

/// Certificates of one chain.
const MAX_CHAIN: usize = 6;

/// dNSName and iPAddress in GeneralName.
const DNS_NAME: Tag = Tag::new(0x82);
const IP_ADDRESS: Tag = Tag::new(0x87);

/// The chain in the body of a Certificate message, the server's first.
pub(super) fn chain(body: &[u8]) -> Result<Vec<Certificate>, TlsError> {
    const WHAT: TlsError = TlsError::Malformed("Certificate");
    let mut octets = Octets::new(body);
    let context = octets.prefixed_u8().ok_or(WHAT)?;
    let mut list = Octets::new(octets.prefixed_u24().ok_or(WHAT)?);
    // A context belongs to a request, and the card makes none.
    if !context.is_empty() || !octets.is_empty() {
        return Err(WHAT);
    }
    let mut chain = Vec::new();
    while !list.is_empty() {
        if chain.len() == MAX_CHAIN {
            return Err(WHAT);
        }
        let der = list.prefixed_u24().ok_or(WHAT)?;
        list.prefixed_u16().ok_or(WHAT)?;
        chain.push(Certificate::from_der(der).map_err(|_| WHAT)?);
    }
    Ok(chain)
}

/// The server's key, if the chain leads to the trusted one and its certificate
/// is for this server.
pub(super) fn server_key(
    chain: &[Certificate],
    peer: &Peer,
    provider: &dyn Provider,
) -> Result<PublicKey, TlsError> {
    let first = chain.first().ok_or(TlsError::Untrusted)?;
    let trusted = match &peer.trust {
        Trust::Key(trusted) => trusted,
        Trust::Smdp(ci) => {
            let server = certificate::verify_server(first, ci, &[Role::DpTls], provider);
            let server = server.ok().filter(|_| names(first, peer));
            return server.map(|server| server.key).ok_or(TlsError::Untrusted);
        }
    };
    let key = certificate::public_key_of(first).map_err(|_| TlsError::Untrusted)?;
    if key == *trusted {
        // Pinned itself: whatever its name is.
        return Ok(key);
    }
    if !names(first, peer) {
        return Err(TlsError::Untrusted);
    }
    for (at, certificate) in chain.iter().enumerate() {
        if certificate::is_signed_by(certificate, trusted, provider) {
            return Ok(key);
        }
        let issuer = chain.get(at + 1).ok_or(TlsError::Untrusted)?;
        let issuer_key = certificate::ca_key_of(issuer).map_err(|_| TlsError::Untrusted)?;
        if !certificate::is_signed_by(certificate, &issuer_key, provider) {
            return Err(TlsError::Untrusted);
        }
        // It may be the trusted one, sent along.
        if issuer_key == *trusted {
            return Ok(key);
        }
    }
    Err(TlsError::Untrusted)
}

/// Whether a certificate is for the peer: by its name, or by its address if it
/// has no name. Neither goes for the other.
fn names(certificate: &Certificate, peer: &Peer) -> bool {
    let Some(names) = certificate::alternative_names(certificate) else {
        return false;
    };
    let Ok(names) = Tlv::parse(&names) else {
        return false;
    };
    let mut reader = names.reader();
    while let Ok(name) = reader.tlv() {
        let fits = match (name.tag, &peer.name) {
            (DNS_NAME, Some(wanted)) => name.value.eq_ignore_ascii_case(wanted.as_bytes()),
            (IP_ADDRESS, None) => name.value == peer.address,
            _ => false,
        };
        if fits {
            return true;
        }
        if reader.is_empty() {
            break;
        }
    }
    false
}
