//! ClientHello and ServerHello (RFC 8446 4.1), of one suite, one group and one
//! signature scheme.

use alloc::vec::Vec;

use super::TlsError;
use super::reader::Octets;

pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;

/// TLS_AES_128_GCM_SHA256.
const SUITE: u16 = 0x1301;
const TLS_1_2: u16 = 0x0303;
const TLS_1_3: u16 = 0x0304;
const SECP256R1: u16 = 0x0017;
pub(super) const ECDSA_SECP256R1_SHA256: u16 = 0x0403;

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;

/// What a HelloRetryRequest has for a random (RFC 8446 4.1.3): the card offers
/// nothing else than what was refused.
pub(super) const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// A handshake message with its header.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    let mut out = alloc::vec![kind, a, b, c];
    out.extend(body);
    out
}

/// Octets after their length in two octets.
fn prefixed(octets: &[u8]) -> Vec<u8> {
    let mut out = u16::try_from(octets.len())
        .unwrap_or(0)
        .to_be_bytes()
        .to_vec();
    out.extend(octets);
    out
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [kind.to_be_bytes().to_vec(), prefixed(body)].concat()
}

/// ClientHello; `server_name` is left out for an address.
pub(super) fn client_hello(random: &[u8; 32], share: &[u8], server_name: Option<&str>) -> Vec<u8> {
    let name = server_name.map(|name| {
        let entry = [&[0][..], &prefixed(name.as_bytes())].concat();
        extension(SERVER_NAME, &prefixed(&entry))
    });
    let share = [&SECP256R1.to_be_bytes()[..], &prefixed(share)].concat();
    let [high, low] = TLS_1_3.to_be_bytes();
    let extensions = [
        name.unwrap_or_default(),
        extension(SUPPORTED_VERSIONS, &[2, high, low]),
        extension(SUPPORTED_GROUPS, &prefixed(&SECP256R1.to_be_bytes())),
        extension(
            SIGNATURE_ALGORITHMS,
            &prefixed(&ECDSA_SECP256R1_SHA256.to_be_bytes()),
        ),
        extension(KEY_SHARE, &prefixed(&share)),
    ]
    .concat();
    let body = [
        &TLS_1_2.to_be_bytes()[..],
        random,
        // No session to go on with.
        &[0],
        &prefixed(&SUITE.to_be_bytes()),
        // No compression.
        &[1, 0],
        &prefixed(&extensions),
    ]
    .concat();
    message(CLIENT_HELLO, &body)
}

/// The server's key share in the body of its hello.
pub(super) fn server_share(body: &[u8]) -> Result<Vec<u8>, TlsError> {
    const WHAT: TlsError = TlsError::Malformed("ServerHello");
    let mut octets = Octets::new(body);
    octets.u16().ok_or(WHAT)?;
    let random = octets.take(32).ok_or(WHAT)?;
    if random == RETRY {
        return Err(TlsError::NothingInCommon);
    }
    // The echo of a session that the card has not named.
    if !octets.prefixed_u8().ok_or(WHAT)?.is_empty() {
        return Err(WHAT);
    }
    let suite = octets.u16().ok_or(WHAT)?;
    let compression = octets.u8().ok_or(WHAT)?;
    if (suite, compression) != (SUITE, 0) {
        return Err(TlsError::NothingInCommon);
    }
    let mut extensions = Octets::new(octets.prefixed_u16().unwrap_or_default());
    if !octets.is_empty() {
        return Err(WHAT);
    }
    let (mut version, mut share) = (None, None);
    while !extensions.is_empty() {
        let kind = extensions.u16().ok_or(WHAT)?;
        let mut value = Octets::new(extensions.prefixed_u16().ok_or(WHAT)?);
        match kind {
            SUPPORTED_VERSIONS => version = value.u16(),
            KEY_SHARE if value.u16() == Some(SECP256R1) => share = value.prefixed_u16(),
            _ => {}
        }
    }
    match (version, share) {
        (Some(TLS_1_3), Some(share)) => Ok(share.to_vec()),
        _ => Err(TlsError::NothingInCommon),
    }
}
