//! PINs and PUKs (ETSI TS 102 221 9.5, 11.1.9 to 11.1.13).

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::fs::{FileId, FileSystem, MF};

/// PIN attributes (SAIP pinAttributes).
const ENABLED: u8 = 0x01;
const MAY_CHANGE: u8 = 0x02;
const MAY_DISABLE: u8 = 0x04;

/// The value of a PIN or PUK, eight octets, PINs padded with 'FF'.
pub(super) type Code = [u8; 8];

/// All PINs and PUKs of a profile.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Codes {
    pub(super) pins: Vec<Pin>,
    pub(super) puks: Vec<Puk>,
    /// Directories whose local PINs are those of another: (this, of that).
    pub(super) shared: Vec<(FileId, FileId)>,
}

/// One PIN.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pin {
    /// The directory it belongs to; the MF for global PINs.
    pub(super) home: FileId,
    pub(super) reference: u8,
    pub(super) value: Code,
    /// Reference of the PUK that unblocks it.
    pub(super) puk: Option<u8>,
    pub(super) attributes: u8,
    pub(super) tries: Tries,
    #[serde(skip)]
    pub(super) verified: bool,
}

/// One PUK.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Puk {
    pub(super) reference: u8,
    pub(super) value: Code,
    pub(super) tries: Tries,
}

/// A retry counter.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tries {
    pub(super) max: u8,
    pub(super) left: u8,
}

/// Why a code was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeError {
    /// No such code here.
    Unknown,
    /// Wrong; so many tries are left.
    Wrong(u8),
    /// No try is left.
    Blocked,
    /// Disabled: there is nothing to verify or to change.
    Disabled,
    /// The code's attributes, or its state, do not allow it.
    NotAllowed,
}

impl Tries {
    /// Compares in time that does not depend on where the codes differ.
    fn check(&mut self, value: &Code, presented: &Code) -> Result<(), CodeError> {
        if self.left == 0 {
            return Err(CodeError::Blocked);
        }
        let difference = u64::from_be_bytes(*value) ^ u64::from_be_bytes(*presented);
        if core::hint::black_box(difference) == 0 {
            self.left = self.max;
            return Ok(());
        }
        self.left -= 1;
        Err(CodeError::Wrong(self.left))
    }
}

impl Pin {
    fn has(&self, attribute: u8) -> bool {
        self.attributes & attribute != 0
    }

    /// What the PIN status template says: whether it must be verified.
    pub(super) fn is_enabled(&self) -> bool {
        self.has(ENABLED)
    }

    fn check(&mut self, presented: &Code) -> Result<(), CodeError> {
        let checked = self.tries.check(&self.value, presented);
        self.verified = checked.is_ok();
        checked
    }
}

/// Whether a key reference names a PIN of the whole card, not of an
/// application (TS 102 221 9.5.1).
fn is_global(reference: u8) -> bool {
    reference & 0x80 == 0
}

impl Codes {
    /// The PIN with this reference seen from a directory: global ones are the
    /// MF's, local ones those of the nearest directory that has it.
    pub(super) fn find(&self, fs: &FileSystem, dir: FileId, reference: u8) -> Option<&Pin> {
        let index = self.index(fs, dir, reference)?;
        self.pins.get(index)
    }

    fn find_mut(
        &mut self,
        fs: &FileSystem,
        dir: FileId,
        reference: u8,
    ) -> Result<&mut Pin, CodeError> {
        let index = self.index(fs, dir, reference);
        let pin = index.and_then(|index| self.pins.get_mut(index));
        pin.ok_or(CodeError::Unknown)
    }

    fn index(&self, fs: &FileSystem, dir: FileId, reference: u8) -> Option<usize> {
        if is_global(reference) {
            return self.at(MF, reference);
        }
        fs.upwards(dir).find_map(|home| {
            let shared = self.shared.iter().find(|(dir, _)| *dir == home);
            self.at(shared.map_or(home, |(_, source)| *source), reference)
        })
    }

    fn at(&self, home: FileId, reference: u8) -> Option<usize> {
        let is_it = |pin: &Pin| pin.home == home && pin.reference == reference;
        self.pins.iter().position(is_it)
    }

    /// Whether an access rule that asks for this key is met. A disabled PIN
    /// need not be verified (TS 102 221 9.5.1); an unknown one never is.
    pub(super) fn is_satisfied(&self, fs: &FileSystem, dir: FileId, reference: u8) -> bool {
        let pin = self.find(fs, dir, reference);
        pin.is_some_and(|pin| pin.verified || !pin.is_enabled())
    }

    /// Forgets what was verified.
    pub(super) fn reset(&mut self) {
        for pin in &mut self.pins {
            pin.verified = false;
        }
    }

    /// Forgets what was verified, but says what it was.
    pub(super) fn take_verified(&mut self) -> Vec<bool> {
        let verified = self.pins.iter().map(|pin| pin.verified).collect();
        self.reset();
        verified
    }

    /// Restores what [`Codes::take_verified`] gave.
    pub(super) fn set_verified(&mut self, verified: &[bool]) {
        for (pin, verified) in self.pins.iter_mut().zip(verified) {
            pin.verified = *verified;
        }
    }

    /// VERIFY PIN (TS 102 221 11.1.9); `None` asks for the tries left.
    pub(super) fn verify(
        &mut self,
        fs: &FileSystem,
        dir: FileId,
        reference: u8,
        presented: Option<&Code>,
    ) -> Result<(), CodeError> {
        let pin = self.find_mut(fs, dir, reference)?;
        let Some(presented) = presented else {
            return Err(CodeError::Wrong(pin.tries.left));
        };
        if !pin.is_enabled() {
            return Err(CodeError::Disabled);
        }
        pin.check(presented)
    }

    /// CHANGE PIN (11.1.10).
    pub(super) fn change(
        &mut self,
        fs: &FileSystem,
        dir: FileId,
        reference: u8,
        (old, new): (&Code, &Code),
    ) -> Result<(), CodeError> {
        let pin = self.find_mut(fs, dir, reference)?;
        if !pin.is_enabled() {
            return Err(CodeError::Disabled);
        }
        if !pin.has(MAY_CHANGE) {
            return Err(CodeError::NotAllowed);
        }
        pin.check(old)?;
        pin.value = *new;
        Ok(())
    }

    /// ENABLE PIN (11.1.12) and DISABLE PIN (11.1.11).
    pub(super) fn set_enabled(
        &mut self,
        fs: &FileSystem,
        dir: FileId,
        reference: u8,
        (presented, enabled): (&Code, bool),
    ) -> Result<(), CodeError> {
        let pin = self.find_mut(fs, dir, reference)?;
        if pin.is_enabled() == enabled {
            return Err(match enabled {
                true => CodeError::NotAllowed,
                false => CodeError::Disabled,
            });
        }
        if !pin.has(MAY_DISABLE) {
            return Err(CodeError::NotAllowed);
        }
        pin.check(presented)?;
        pin.attributes ^= ENABLED;
        Ok(())
    }

    /// UNBLOCK PIN (11.1.13); `None` asks for the tries left of the PUK.
    pub(super) fn unblock(
        &mut self,
        fs: &FileSystem,
        dir: FileId,
        reference: u8,
        presented: Option<(&Code, &Code)>,
    ) -> Result<(), CodeError> {
        let puk = self.find(fs, dir, reference).ok_or(CodeError::Unknown)?.puk;
        let puk = puk.ok_or(CodeError::NotAllowed)?;
        let puk = self.puks.iter_mut().find(|entry| entry.reference == puk);
        let puk = puk.ok_or(CodeError::Unknown)?;
        let Some((code, new)) = presented else {
            return Err(CodeError::Wrong(puk.tries.left));
        };
        puk.tries.check(&puk.value, code)?;
        let pin = self.find_mut(fs, dir, reference)?;
        pin.value = *new;
        pin.tries.left = pin.tries.max;
        pin.attributes |= ENABLED;
        pin.verified = true;
        Ok(())
    }
}
