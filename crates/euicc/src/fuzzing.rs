//! What the fuzzer may call though no host can: the receiving side of profile
//! protection with known keys.

use alloc::vec::Vec;

use rsp_crypto::Provider;

use crate::bsp::SecureChannel;

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
