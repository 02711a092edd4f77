//! How an IPA behaves.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use rsp_asn1::rsp::DeviceInfo;

use super::Emulation;
use crate::binding::Transport;
use crate::binding::esipa::EsipaBinding;
use crate::eim::IpaFeatures;
use crate::pki::TrustAnchor;

/// Block size that all cards and modems take.
pub const DEFAULT_BLOCK_SIZE: u8 = 255;

/// Packages that one round processes at most: an eIM that always has one more
/// must not keep the device awake for ever.
pub const MAX_PACKAGES_PER_ROUND: u32 = 64;

/// How an IPA behaves. [`Config::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// Octets of data in one STORE DATA, 6 to 255.
    pub block_size: u8,
    /// Pause between two polls of the eIM.
    pub poll_interval: Duration,
    /// When requests are repeated that did not get through or were answered
    /// with HTTP 5xx.
    pub retry: Retry,
    /// How long an eIM that allows a ProfileRollback is tried over the new
    /// profile before the eUICC goes back (SGP.32 3.3.2): long enough for a
    /// modem to find its new network.
    pub rollback_after: Duration,
    /// What the device says of itself to RSP servers.
    pub device_info: DeviceInfo,
    /// The CIs under which SM-DP+s are accepted.
    pub ci: Vec<TrustAnchor>,
    /// What this IPA says that it can do, and does (SGP.32 4.1).
    pub features: IpaFeatures,
    /// How messages to eIMs are written.
    pub esipa_binding: EsipaBinding,
    /// Path of ESipa instead of the standard's; in JSON the folder in which the
    /// functions are.
    pub esipa_path: Option<String>,
    /// Content-Type at ESipa instead of the standard's.
    pub esipa_content_type: Option<String>,
    /// X-Admin-Protocol of all requests instead of the usual one.
    pub admin_protocol: Option<String>,
    /// What can carry ESipa, the best first: the first one that the eIM has,
    /// too, is used. An eIM that says nothing has HTTPS.
    pub transports: Vec<Transport>,
    /// Only those commands to the card without which a package cannot be
    /// fetched: before the first poll TERMINAL CAPABILITY, MANAGE CHANNEL,
    /// SELECT, GetEID, GetEimConfigurationData and RetrieveNotificationsList.
    /// Results left on the card are then looked for only if the memory says
    /// that there may be some.
    pub minimal: bool,
    /// Whether the IPA may stand in for an eUICC that has no functions for an
    /// eIM, as those for consumer devices; without it such an eUICC is an error.
    pub emulation: Option<Emulation>,
    /// Ends the IPA when so many packages were processed.
    pub stop_after: Option<u32>,
    /// Seed of the jitter in pauses; devices must not share one, or they would
    /// come back all at once.
    pub jitter_seed: u64,
}

/// Repetition with exponential back-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Repetitions after the first attempt; 0 for none.
    pub times: u32,
    /// Pause before the first repetition; each further one is twice as long.
    /// Of every pause, up to half is left to chance.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
}

impl Default for Retry {
    /// Three times, after 1, 2 and 4 seconds.
    fn default() -> Self {
        Retry {
            times: 3,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
        }
    }
}

impl Retry {
    /// The pause before repetition `number`, counted from 0; `chance` is any
    /// number.
    pub(super) fn pause(&self, number: u32, chance: u64) -> Duration {
        let doubled = self
            .first
            .saturating_mul(1u32.checked_shl(number).unwrap_or(u32::MAX));
        let whole = doubled.min(self.longest);
        let half = whole / 2;
        let millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
        whole - Duration::from_millis(chance % millis.saturating_add(1))
    }
}

impl Config {
    /// The defaults: poll once an hour, everything as the standard says.
    pub fn new(device_info: DeviceInfo, ci: Vec<TrustAnchor>) -> Self {
        Config {
            block_size: DEFAULT_BLOCK_SIZE,
            poll_interval: Duration::from_secs(3600),
            retry: Retry::default(),
            rollback_after: Duration::from_secs(300),
            device_info,
            ci,
            features: IpaFeatures {
                direct: true,
                ..IpaFeatures::default()
            },
            esipa_binding: EsipaBinding::default(),
            esipa_path: None,
            esipa_content_type: None,
            admin_protocol: None,
            transports: Vec::from([Transport::Https]),
            minimal: false,
            emulation: None,
            stop_after: None,
            jitter_seed: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_at_most_half_is_chance() {
        let retry = Retry::default();
        for (number, secs) in [(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (40, 60)] {
            let whole = Duration::from_secs(secs);
            assert_eq!(retry.pause(number, 0), whole, "{number}");
            for chance in [1, 999, 123_456_789, u64::MAX] {
                let pause = retry.pause(number, chance);
                assert!(pause <= whole && pause >= whole / 2, "{number} {chance}");
            }
        }
        let never = Retry {
            first: Duration::ZERO,
            ..retry
        };
        assert_eq!(never.pause(3, 7), Duration::ZERO);
    }
}
