//! One-time passwords by time (RFC 6238), as authenticator apps make them:
//! HMAC-SHA-1, 6 digits, steps of 30 seconds.

use hmac::{Hmac, KeyInit, Mac};
use rsp_core::Timestamp;
use sha1::Sha1;
use zeroize::Zeroizing;

use super::token::same;

const STEP_SECONDS: u64 = 30;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A step of time: seconds since 1970 by 30.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TotpStep(pub u64);

/// What an authenticator app and the server share: 160 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret([redacted])")
    }
}

impl TotpSecret {
    /// How many octets there are.
    pub const LENGTH: usize = 20;

    /// One made of random octets, or as it was stored.
    pub fn new(random: &[u8; Self::LENGTH]) -> Self {
        TotpSecret(Zeroizing::new(random.to_vec()))
    }

    /// As [`TotpSecret::new`]; `None` if that are not [`TotpSecret::LENGTH`].
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        Some(Self::new(octets.try_into().ok()?))
    }

    /// What is to be stored, sealed.
    pub fn as_octets(&self) -> &[u8] {
        &self.0
    }

    /// It in base 32 (RFC 4648 6), as people type it.
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(base32(&self.0))
    }

    /// The URI that a QR code shows to an app.
    pub fn uri(&self, issuer: &str, account: &str) -> Zeroizing<String> {
        let (issuer, account) = (percent(issuer), percent(account));
        Zeroizing::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period={STEP_SECONDS}",
            *self.to_base32()
        ))
    }

    /// Which step a code is of: the present one, the one before or the one after,
    /// since clocks differ; and later than `last`, since a code counts once.
    /// The caller stores the step before anybody is let in.
    pub fn accepts(&self, code: &str, now: Timestamp, last: Option<TotpStep>) -> Option<TotpStep> {
        let present = now.as_secs() / STEP_SECONDS;
        let mut found = None;
        for step in [
            present.saturating_sub(1),
            present,
            present.saturating_add(1),
        ] {
            let fits = same(self.code(step).as_bytes(), code.as_bytes());
            let fresh = last.is_none_or(|last| last < TotpStep(step));
            // All three are always made: the time tells nothing.
            if fits && fresh && found.is_none() {
                found = Some(TotpStep(step));
            }
        }
        found
    }

    /// RFC 4226 5.3.
    fn code(&self, step: u64) -> Zeroizing<String> {
        let mut code = 0;
        if let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) {
            mac.update(&step.to_be_bytes());
            let tag: [u8; 20] = mac.finalize().into_bytes().into();
            let offset = tag.last().map_or(0, |octet| usize::from(octet & 0x0F));
            let window = tag.iter().skip(offset).take(4);
            code = window.fold(0_u32, |sum, octet| sum << 8 | u32::from(*octet)) & 0x7FFF_FFFF;
        }
        Zeroizing::new(format!("{:06}", code % 1_000_000))
    }
}

/// Without padding.
pub(super) fn base32(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().div_ceil(5) * 8);
    let (mut bits, mut count) = (0_u32, 0);
    let mut push = |bits: u32| {
        let at = usize::try_from(bits & 31).unwrap_or(0);
        text.push(char::from(BASE32.get(at).copied().unwrap_or(b'A')));
    };
    for octet in octets {
        bits = bits << 8 | u32::from(*octet);
        count += 8;
        while count >= 5 {
            count -= 5;
            push(bits >> count);
        }
        bits &= 0xFF;
    }
    if count > 0 {
        push(bits << (5 - count));
    }
    text
}

pub(super) fn percent(text: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    text.bytes()
        .map(|octet| match plain(octet) {
            true => char::from(octet).to_string(),
            false => format!("%{octet:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc() -> TotpSecret {
        TotpSecret::new(b"12345678901234567890")
    }

    /// RFC 6238, appendix B, the last six of eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(*rfc().code(time / 30), code);
        }
    }

    /// RFC 4648, 10.
    #[test]
    fn base_32_is_that_of_the_rfc() {
        for (octets, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(octets.as_bytes()), text);
        }
    }

    #[test]
    fn a_code_counts_once_and_near_its_time() {
        let at = |secs| Timestamp::from_secs(secs);
        let step = TotpStep(1_111_111_109 / 30);
        let accepted = |now, last| rfc().accepts("081804", at(now), last);
        assert_eq!(accepted(1_111_111_109, None), Some(step));
        assert_eq!(accepted(1_111_111_109 + 30, None), Some(step));
        assert_eq!(accepted(1_111_111_109 - 30, None), Some(step));
        assert_eq!(accepted(1_111_111_109 + 61, None), None);
        assert_eq!(accepted(1_111_111_109, Some(step)), None);
        assert_eq!(
            accepted(1_111_111_109, Some(TotpStep(step.0 - 1))),
            Some(step)
        );
        for bad in ["", "81804", "0818040", "081805", "０８１８０４"] {
            assert_eq!(rfc().accepts(bad, at(1_111_111_109), None), None);
        }
    }

    #[test]
    fn an_app_is_told_all_it_needs() {
        let uri = rfc().uri("Simurgh lab", "noc+1@example.org");
        assert_eq!(
            *uri,
            "otpauth://totp/Simurgh%20lab:noc%2B1%40example.org\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Simurgh%20lab&algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(format!("{:?}", rfc()), "TotpSecret([redacted])");
    }
}
