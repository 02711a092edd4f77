//! Profile protection: what the servers' side closes the card's side opens,
//! and nothing else.

use euicc::fuzzing::{open_mac_only, open_segment};
use rsp_crypto::bsp::{Protector, SessionKeys};
use rsp_crypto::software::SoftwareProvider;

const KEYS: [[u8; 16]; 3] = [[0x11; 16], [0x22; 16], [0x33; 16]];

fn protector() -> Protector<'static> {
    let [chaining, enc, mac] = KEYS;
    Protector::new(
        &SoftwareProvider,
        SessionKeys::from_parts(chaining, enc, mac),
    )
}

/// The input as a segment, and a segment of ours with one octet changed: the
/// first octet says how, the second and third where.
pub(crate) fn segments(data: &[u8]) {
    let _ = open_segment(KEYS, &SoftwareProvider, 0x86, data);
    let _ = open_mac_only(KEYS, &SoftwareProvider, 0x88, data);
    let Some(([change, high, low], plain)) = data.split_first_chunk() else {
        return;
    };
    // A segment has at most 1020 octets (SGP.22 2.5.5).
    let Ok(mut closed) = protector().encrypt(0x86, plain) else {
        return;
    };
    let opened = open_segment(KEYS, &SoftwareProvider, 0x86, &closed);
    assert_eq!(opened.as_deref(), Some(plain));
    let at = usize::from(u16::from_be_bytes([*high, *low])) % closed.len();
    if *change != 0
        && let Some(octet) = closed.get_mut(at)
    {
        *octet ^= change;
        assert_eq!(open_segment(KEYS, &SoftwareProvider, 0x86, &closed), None);
    }
    if let Ok(closed) = protector().mac_only(0x88, plain) {
        let opened = open_mac_only(KEYS, &SoftwareProvider, 0x88, &closed);
        assert_eq!(opened.as_deref(), Some(plain));
    }
}
