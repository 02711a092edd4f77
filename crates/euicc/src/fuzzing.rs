//! What the fuzzer may call though no host can: the receiving side of profile
//! protection with known keys, and what the card's own IPA reads behind TLS.

use alloc::vec::Vec;

use rsp_crypto::{Provider, PublicKey, Rng};

use crate::bsp::SecureChannel;
use crate::cat::{Answer, Event};
use crate::ipae;
use crate::tls::{self, Peer, Tls, Trust};

/// Opens the first segment of a channel with these keys (MAC chaining value,
/// S-ENC, S-MAC), encrypted and MACed; `None` if it is refused.
pub fn open_segment(
    keys: [[u8; 16]; 3],
    provider: &dyn Provider,
    tag: u32,
    segment: &[u8],
) -> Option<Vec<u8>> {
    let [chaining, enc, mac] = keys;
    let mut channel = SecureChannel::with_keys(chaining, enc, mac);
    channel.open(provider, tag, segment).ok()
}

/// As [`open_segment`], of a segment that is MACed only.
pub fn open_mac_only(
    keys: [[u8; 16]; 3],
    provider: &dyn Provider,
    tag: u32,
    segment: &[u8],
) -> Option<Vec<u8>> {
    let [chaining, enc, mac] = keys;
    let mut channel = SecureChannel::with_keys(chaining, enc, mac);
    channel.open_mac_only(provider, tag, segment).ok()
}

fn peer(trusted: &PublicKey) -> Peer {
    Peer {
        name: Some("eim.example.com".into()),
        address: [192, 0, 2, 1],
        trust: Trust::Key(trusted.clone()),
    }
}

/// Octets from a TLS server, as they come, to a card that trusts this key;
/// gives whether the card has come to believe that it speaks to that server.
pub fn tls_connection<'a>(
    trusted: &PublicKey,
    provider: &dyn Provider,
    rng: &mut dyn Rng,
    mut pieces: impl Iterator<Item = &'a [u8]>,
) -> bool {
    let Ok((mut tls, _)) = Tls::start(peer(trusted), provider, rng) else {
        return false;
    };
    let whole = pieces.all(|octets| tls.receive(provider, octets).is_ok());
    let _ = tls.take_plain();
    whole && tls.is_connected()
}

/// Bodies of handshake messages without protection around them; gives whether
/// they are a chain that leads to the trusted key.
pub fn tls_bodies(trusted: &PublicKey, provider: &dyn Provider, body: &[u8]) -> bool {
    tls::read_server_hello(body);
    tls::is_believed(body, &peer(trusted), provider)
}

/// A response of a server behind TLS, as it comes: its body.
pub fn ipae_response<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    ipae::read_response(pieces)
}

/// A body as it comes, read as JSON of ES9+ and as an answer of ESipa: what of
/// it is handed on as a package.
pub fn ipae_package<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> [Vec<u8>; 2] {
    ipae::read_package(pieces)
}

/// What a terminal answers or tells; gives whether it is either.
pub fn toolkit(data: &[u8]) -> bool {
    Answer::read(data).is_some() | Event::read(data).is_some()
}
