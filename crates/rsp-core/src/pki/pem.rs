//! Certificates and revocation lists as PEM (RFC 7468).

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::Certificate;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Characters in a line.
const LINE: usize = 64;

/// The first certificate in a text; what is around it is skipped.
///
/// `None` if there is none or it is malformed.
pub fn certificate_from_pem(text: &str) -> Option<Certificate> {
    Certificate::from_bytes(&block(text, BEGIN, END)?).ok()
}

/// The first revocation list in a text, in DER and not verified.
///
/// `None` if there is none.
pub fn crl_from_pem(text: &str) -> Option<Vec<u8>> {
    block(text, "-----BEGIN X509 CRL-----", "-----END X509 CRL-----")
}

fn block(text: &str, begin: &str, end: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(begin)?;
    let (body, _) = rest.split_once(end)?;
    let body: String = body.split_whitespace().collect();
    STANDARD.decode(body).ok()
}

/// A certificate as PEM.
pub fn certificate_to_pem(certificate: &Certificate) -> String {
    let body = STANDARD.encode(certificate.as_bytes());
    let mut text = String::from(BEGIN);
    for (index, character) in body.chars().enumerate() {
        if index % LINE == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push('\n');
    text.push_str(END);
    text.push('\n');
    text
}
