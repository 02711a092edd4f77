//! Small help with TLVs, keys and certificates, of the suites alone.

use rsp_asn1::{Certificate, Tag, Tlv, Writer};
use rsp_crypto::software::SoftwareProvider;
use rsp_crypto::{Provider, PublicKey, Signature};

use super::case::{Check, ensure, fail, same, some};

/// Octets of hexadecimal digits; white space is left out.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    let octet = |pair: &[u32]| pair.iter().fold(0, |octet, d| octet << 4 | *d as u8);
    digits.chunks(2).map(octet).collect()
}

/// Octets as hexadecimal digits in capitals.
pub(super) fn shown(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// One TLV.
pub(super) fn tlv(tag: u32, value: &[u8]) -> Vec<u8> {
    let mut out = Writer::new();
    out.primitive(Tag::new(tag), value);
    out.into_bytes()
}

/// Whether a signature (r‖s) is this key's over the parts.
pub(super) fn verify(what: &str, key: &PublicKey, parts: &[&[u8]], signature: &[u8]) -> Check {
    let Ok(signature) = Signature::from_slice(signature) else {
        return fail(format!(
            "{what} has {} octets instead of 64",
            signature.len()
        ));
    };
    match SoftwareProvider.verify(key, parts, &signature) {
        Ok(()) => Ok(()),
        Err(error) => fail(format!("{what}: {error}")),
    }
}

/// What a suite reads of a certificate: its own reading of X.509, which knows
/// only the parts that it needs.
pub(super) struct Leaf {
    pub(super) key: PublicKey,
    signed: Vec<u8>,
    signature: Signature,
    whole: Vec<u8>,
}

impl Leaf {
    pub(super) fn read(certificate: &Certificate) -> Check<Leaf> {
        let whole = certificate.as_bytes();
        let mut members = Tlv::parse(whole)?.reader();
        let tbs = members.tlv()?;
        members.tlv()?;
        let signature = members.tlv()?;
        let mut fields = tbs.reader();
        // version, serial number, signature, issuer, validity, subject
        for _ in 0..6 {
            fields.tlv()?;
        }
        let key = PublicKey::from_spki_der(fields.tlv()?.raw)?;
        let der = some("the signature", signature.value.get(1..))?;
        Ok(Leaf {
            key,
            signed: tbs.raw.to_vec(),
            signature: Signature::from_der(der)?,
            whole: whole.to_vec(),
        })
    }

    /// Whether the holder of this key issued it.
    pub(super) fn is_issued_by(&self, what: &str, issuer: &PublicKey) -> Check {
        let verified = SoftwareProvider.verify(issuer, &[&self.signed], &self.signature);
        ensure(
            verified.is_ok(),
            &format!("{what}: the signature of the certificate is not the issuer's"),
        )
    }

    /// Whether these digits stand somewhere in it, as an EID does in the subject.
    pub(super) fn names(&self, digits: &str) -> bool {
        let digits = digits.as_bytes();
        self.whole
            .windows(digits.len())
            .any(|found| found == digits)
    }
}

/// The only element of a message that is expected to be exactly these octets.
pub(super) fn same_octets(what: &str, found: &[u8], expected: &str) -> Check {
    same(what, shown(found), shown(&hex(expected)))
}
