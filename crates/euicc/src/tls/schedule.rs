//! Key schedule with SHA-256 (RFC 8446 7.1; HMAC: RFC 2104; HKDF: RFC 5869).

use alloc::vec::Vec;

use rsp_crypto::Provider;
use zeroize::Zeroizing;

const HASH: usize = 32;
const BLOCK: usize = 64;

pub(super) type Secret = Zeroizing<[u8; HASH]>;

/// HMAC-SHA-256. Keys are no longer than a hash.
pub(super) fn hmac(provider: &dyn Provider, key: &[u8; HASH], parts: &[&[u8]]) -> [u8; HASH] {
    let pad = |with: u8| {
        let mut block = Zeroizing::new([with; BLOCK]);
        for (to, from) in block.iter_mut().zip(key) {
            *to ^= from;
        }
        block
    };
    let inner = pad(0x36);
    let inner: Vec<&[u8]> = core::iter::once(inner.as_slice())
        .chain(parts.iter().copied())
        .collect();
    let inner = provider.sha256(&inner);
    provider.sha256(&[pad(0x5C).as_slice(), &inner])
}

/// HKDF-Extract.
fn extract(provider: &dyn Provider, salt: &[u8; HASH], input: &[u8; HASH]) -> Secret {
    Zeroizing::new(hmac(provider, salt, &[input]))
}

/// HKDF-Expand-Label of at most one hash.
pub(super) fn expand<const N: usize>(
    provider: &dyn Provider,
    secret: &Secret,
    label: &str,
    context: &[u8],
) -> Zeroizing<[u8; N]> {
    let mut info = Vec::new();
    info.extend(u16::try_from(N).unwrap_or(0).to_be_bytes());
    info.push(u8::try_from(label.len() + 6).unwrap_or(0));
    info.extend(b"tls13 ");
    info.extend(label.as_bytes());
    info.push(u8::try_from(context.len()).unwrap_or(0));
    info.extend(context);
    let first = Zeroizing::new(hmac(provider, secret, &[&info, &[1]]));
    let mut out = Zeroizing::new([0; N]);
    for (to, from) in out.iter_mut().zip(first.iter()) {
        *to = *from;
    }
    out
}

/// Derive-Secret over a transcript.
fn derive(provider: &dyn Provider, secret: &Secret, label: &str, transcript: &[u8]) -> Secret {
    expand(provider, secret, label, &provider.sha256(&[transcript]))
}

/// A pair of traffic secrets: the card's, the server's.
pub(super) struct Traffic {
    pub(super) own: Secret,
    pub(super) peer: Secret,
}

/// The handshake's secrets and what comes after, from the shared secret and
/// the transcript up to ServerHello.
pub(super) fn handshake(
    provider: &dyn Provider,
    shared: &[u8; HASH],
    transcript: &[u8],
) -> (Traffic, Secret) {
    let zeros = [0; HASH];
    let early = extract(provider, &zeros, &zeros);
    let salt = derive(provider, &early, "derived", &[]);
    let handshake = extract(provider, &salt, shared);
    let traffic = Traffic {
        own: derive(provider, &handshake, "c hs traffic", transcript),
        peer: derive(provider, &handshake, "s hs traffic", transcript),
    };
    let salt = derive(provider, &handshake, "derived", &[]);
    (traffic, extract(provider, &salt, &zeros))
}

/// The application's secrets, from the transcript up to the server's Finished.
pub(super) fn application(provider: &dyn Provider, master: &Secret, transcript: &[u8]) -> Traffic {
    Traffic {
        own: derive(provider, master, "c ap traffic", transcript),
        peer: derive(provider, master, "s ap traffic", transcript),
    }
}

/// verify_data of Finished (RFC 8446 4.4.4).
pub(super) fn finished(provider: &dyn Provider, secret: &Secret, transcript: &[u8]) -> [u8; HASH] {
    let key = expand::<HASH>(provider, secret, "finished", &[]);
    hmac(provider, &key, &[&provider.sha256(&[transcript])])
}
