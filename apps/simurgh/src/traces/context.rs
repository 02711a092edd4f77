//! Who caused what, by its numbers (W3C Trace Context).

use std::sync::atomic::{AtomicU64, Ordering};

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use rsp_crypto::Rng as _;

use crate::{Failure, shell};

/// Says which span caused a request.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Characters of a `traceparent` of version 00.
const LENGTH: usize = 55;

/// Bits of a trace's number that decide whether it is kept: the lowest, which are
/// random in everybody's.
const SAMPLED_BITS: u32 = 56;

/// A span, as it is named to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SpanContext {
    /// Not 0.
    pub(super) trace: u128,
    /// Not 0.
    pub(super) span: u64,
    pub(super) sampled: bool,
}

impl SpanContext {
    /// What a caller says of itself, if it says so once and well. What follows the
    /// members of version 00 in a later version is not read.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::read(value.as_bytes()),
            _ => None,
        }
    }

    fn read(value: &[u8]) -> Option<Self> {
        let (members, rest) = value.split_at_checked(LENGTH)?;
        let mut members = std::str::from_utf8(members).ok()?.split('-');
        let mut member = |digits| hexadecimal(members.next()?, digits);
        let (version, trace) = (member(2)?, member(32)?);
        let (span, flags) = (member(16)?, member(2)?);
        let whole = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.first().is_none_or(|next| *next == b'-'),
        };
        let span = u64::try_from(span).ok()?;
        (whole && trace != 0 && span != 0).then_some(SpanContext {
            trace,
            span,
            sampled: flags & 1 == 1,
        })
    }

    /// The same for whom we call.
    pub(super) fn header(self) -> Option<HeaderValue> {
        let SpanContext {
            trace,
            span,
            sampled,
        } = self;
        let flags = u8::from(sampled);
        HeaderValue::try_from(format!("00-{trace:032x}-{span:016x}-{flags:02x}")).ok()
    }
}

/// A number of so many digits, which are in lower case.
fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    let is_one = text.len() == digits && text.bytes().all(is_digit);
    u128::from_str_radix(text, 16).ok().filter(|_| is_one)
}

/// Numbers that nobody else gives; they are no secrets. One costs an addition: most of
/// them are of traces that are not kept.
pub(super) struct Numbers(AtomicU64);

impl Numbers {
    /// With a beginning of its own for each process.
    pub(super) fn new() -> Result<Self, Failure> {
        let mut seed = [0; 8];
        shell::random()?.fill(&mut seed);
        Ok(Numbers(AtomicU64::new(u64::from_be_bytes(seed))))
    }

    /// The next, never 0 (SplitMix64).
    pub(super) fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).max(1)
    }

    /// A number of a trace.
    pub(super) fn trace(&self) -> u128 {
        (u128::from(self.next()) << 64) | u128::from(self.next())
    }
}

/// Which traces are kept that begin here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share(u64);

impl Share {
    /// From 0, none, to 1, all.
    pub(super) fn new(share: f64) -> Option<Self> {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "between 0 and 2^56"
        )]
        let below = |share: f64| ((1.0 - share) * (1u64 << SAMPLED_BITS) as f64) as u64;
        (0.0..=1.0).contains(&share).then(|| Share(below(share)))
    }

    pub(super) fn keeps(self, trace: u128) -> bool {
        let random = trace & ((1 << SAMPLED_BITS) - 1);
        random >= u128::from(self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(values: &[&str]) -> Option<SpanContext> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, HeaderValue::from_str(value).unwrap());
        }
        SpanContext::of(&headers)
    }

    #[test]
    fn a_caller_is_read_and_written_alike() {
        let context = of(&[GIVEN]).unwrap();
        assert_eq!(context.header().unwrap(), GIVEN);
        assert!(context.sampled);
        assert!(!of(&[&GIVEN.replace("-01", "-02")]).unwrap().sampled);
        // A later version may have more, after the same beginning.
        for more in ["", "-", "-what-comes"] {
            let later = format!("{}{more}", GIVEN.replacen("00", "cc", 1));
            assert_eq!(of(&[&later]), Some(context), "{later}");
        }
    }

    #[test]
    fn what_is_no_caller_is_ignored() {
        let wrong = [
            String::new(),
            GIVEN[..54].to_string(),
            format!("{GIVEN}-"),
            format!("{GIVEN}0"),
            format!(" {GIVEN}"),
            GIVEN.to_uppercase(),
            GIVEN.replacen("00", "ff", 1),
            GIVEN.replacen("00", "0x", 1),
            GIVEN.replacen("4b", "+b", 1),
            GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GIVEN.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GIVEN.replace("-00f0", "000f0"),
            format!("{}x", GIVEN.replacen("00", "cc", 1)),
            "-".repeat(55),
            "0".repeat(100_000),
        ];
        for value in &wrong {
            assert_eq!(of(&[value]), None, "{value}");
        }
        assert_eq!(of(&[GIVEN, GIVEN]), None, "two of them");
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_share_is_kept() {
        let numbers = Numbers::new().unwrap();
        let kept = |share: f64| {
            let share = Share::new(share).unwrap();
            (0..10_000).filter(|_| share.keeps(numbers.trace())).count()
        };
        assert_eq!((kept(0.0), kept(1.0)), (0, 10_000));
        let tenth = kept(0.1);
        assert!((800..1200).contains(&tenth), "{tenth}");
        for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Share::new(wrong).is_none(), "{wrong}");
        }
    }
}
