//! Messages in parts (3GPP TS 23.040 9.2.3.24.1): put together in any order,
//! within bounds.

use alloc::vec::Vec;

use super::short_message::{Deliver, Part};
use crate::apdu::Status;

/// Parts that one message may have.
const MAX_PARTS: u8 = 20;
/// Messages that may be incomplete at the same time; the oldest gives way.
const MAX_MESSAGES: usize = 2;

/// The parts received so far.
#[derive(Default)]
pub(super) struct Parts {
    messages: Vec<Incomplete>,
}

/// A message of which something is missing.
struct Incomplete {
    /// The profile that it came to.
    profile: u32,
    originator: Vec<u8>,
    reference: u16,
    /// Whether the first part said that it is a command packet.
    is_command: bool,
    parts: Vec<Option<Vec<u8>>>,
}

impl Incomplete {
    fn is_continued_by(&self, message: &Deliver<'_>, part: &Part) -> bool {
        self.originator == message.originator
            && self.reference == part.reference
            && self.parts.len() == usize::from(part.of)
    }
}

impl Parts {
    /// Takes a message; gives the command packet that is complete with it.
    ///
    /// # Errors
    /// If it has more parts than are taken.
    pub(super) fn push(
        &mut self,
        profile: u32,
        message: &Deliver<'_>,
    ) -> Result<Option<Vec<u8>>, Status> {
        let Some(part) = message.part else {
            return Ok(message.is_command.then(|| message.data.to_vec()));
        };
        if part.of > MAX_PARTS {
            return Err(Status::NOT_ENOUGH_MEMORY);
        }
        self.messages.retain(|other| other.profile == profile);
        let mut known = self.messages.iter();
        let at = match known.position(|other| other.is_continued_by(message, &part)) {
            Some(at) => at,
            None => self.begin(profile, message, &part),
        };
        let Some(incomplete) = self.messages.get_mut(at) else {
            return Ok(None);
        };
        incomplete.is_command |= message.is_command && part.number == 1;
        let place = usize::from(part.number).saturating_sub(1);
        if let Some(place) = incomplete.parts.get_mut(place) {
            *place = Some(message.data.to_vec());
        }
        if incomplete.parts.iter().any(Option::is_none) {
            return Ok(None);
        }
        let whole = self.messages.remove(at);
        let octets = whole.parts.into_iter().flatten().flatten().collect();
        Ok(whole.is_command.then_some(octets))
    }

    /// A place for a message whose first part to come this is.
    fn begin(&mut self, profile: u32, message: &Deliver<'_>, part: &Part) -> usize {
        if self.messages.len() >= MAX_MESSAGES {
            self.messages.remove(0);
        }
        let mut parts = Vec::new();
        parts.resize_with(usize::from(part.of), || None);
        self.messages.push(Incomplete {
            profile,
            originator: message.originator.to_vec(),
            reference: part.reference,
            is_command: false,
            parts,
        });
        self.messages.len() - 1
    }
}
