//! Devices at rest: what a device keeps without power, told by what it has in
//! common with another one, so that a million fit into one machine.
//!
//! A device rests as one whose modem is switched off between two polls: what a
//! card and an IPA lose with their power is lost, and nothing else. It wakes
//! from what a [`CardFile`](crate::CardFile) would have and from the IPA's
//! memory.

mod delta;

use std::fmt;
use std::sync::Arc;

use euicc::{LoadError, StoredEuicc};
use rsp_core::Timestamp;
use rsp_core::ipa::{Config, Ipa};
use rsp_crypto::software::SoftwareProvider;

use crate::device::Device;
use crate::identity::CardIdentity;
use delta::Base;

/// A device without power. It holds the card's keys: whoever stores it must
/// protect it.
pub struct Resting {
    like: Likeness,
    octets: Box<[u8]>,
    until: Option<Timestamp>,
}

/// What devices have in common: one of them in full.
#[derive(Clone)]
pub struct Likeness(Arc<Base>);

impl Likeness {
    /// Octets of the one.
    pub fn octets(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Likeness").finish_non_exhaustive()
    }
}

/// Why a device does not wake.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WakeError {
    /// The octets are no device.
    #[error("what is kept of the device cannot be read: {0}")]
    Malformed(String),
    /// The card's memory makes no card.
    #[error("the card: {0}")]
    Card(#[from] LoadError),
}

impl Device {
    /// Switches the device off. Without a likeness it stands for itself, and
    /// others may be like it.
    ///
    /// To be called when the IPA is idle: a round that is under way is lost as
    /// in a power cut.
    #[must_use]
    pub fn rest(self, like: Option<&Likeness>) -> Resting {
        let until = self.ipa.poll_timeout();
        let identity = self.identity.to_octets();
        let card = StoredEuicc::new(self.card).image(&SoftwareProvider);
        // One octet tells an empty memory from none.
        let memory = self.memory.as_deref().map(|memory| [&[1], memory].concat());
        let octets = join(&[&identity, &card, &memory.unwrap_or_default()]);
        let like = match like {
            Some(like) => like.clone(),
            None => Likeness(Arc::new(Base::new(octets.clone()))),
        };
        Resting {
            octets: like.0.pack(&octets).into_boxed_slice(),
            like,
            until,
        }
    }
}

impl Resting {
    /// When the IPA wants to poll; never if it has ended.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Octets that this device has for itself.
    pub fn own_octets(&self) -> usize {
        self.octets.len() + size_of::<Self>()
    }

    /// What others may be like.
    pub fn likeness(&self) -> Likeness {
        self.like.clone()
    }

    /// Switches the device on; its IPA polls at once.
    ///
    /// # Errors
    /// If what is kept makes no device.
    pub fn wake(&self, config: Config, now: Timestamp) -> Result<Device, WakeError> {
        let malformed = |reason: &str| WakeError::Malformed(reason.to_string());
        let octets = self.like.0.unpack(&self.octets);
        let octets = octets.ok_or_else(|| malformed("it is not like its base"))?;
        let [identity, card, memory] =
            split(&octets).ok_or_else(|| malformed("it has not three parts"))?;
        let identity = CardIdentity::from_octets(identity).map_err(WakeError::Malformed)?;
        let (mut card, _) = StoredEuicc::load(identity.personalisation(), card, &SoftwareProvider)?;
        let _atr = card.reset(&SoftwareProvider).written();
        let memory = memory.split_first().map(|(_, memory)| memory.to_vec());
        Ok(Device {
            identity,
            card: card.into_card(),
            ipa: Ipa::new(config, memory.clone(), now),
            memory,
        })
    }
}

impl fmt::Debug for Resting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resting")
            .field("until", &self.until)
            .field("octets", &format_args!("[redacted]"))
            .finish_non_exhaustive()
    }
}

/// Parts one after another, each behind its length.
pub(crate) fn join(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(&(part.len() as u32).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

/// The next part, which is taken off.
pub(crate) fn take<'a>(octets: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = octets.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (part, rest) = rest.split_at_checked(length)?;
    *octets = rest;
    Some(part)
}

/// The parts, if they are so many and nothing else.
pub(crate) fn split<const N: usize>(mut octets: &[u8]) -> Option<[&[u8]; N]> {
    let mut parts: [&[u8]; N] = [&[]; N];
    for part in &mut parts {
        *part = take(&mut octets)?;
    }
    octets.is_empty().then_some(parts)
}
