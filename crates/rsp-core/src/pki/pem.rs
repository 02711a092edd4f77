//! Certificates as PEM (RFC 7468).

use alloc::string::String;

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
    let (_, rest) = text.split_once(BEGIN)?;
    let (body, _) = rest.split_once(END)?;
    let body: String = body.split_whitespace().collect();
    Certificate::from_bytes(&STANDARD.decode(body).ok()?).ok()
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
