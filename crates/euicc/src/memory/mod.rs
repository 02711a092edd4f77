//! Non-volatile memory: what a card keeps without power, and how it gets to a
//! disk.
//!
//! The card does not write. [`StoredEuicc`] tells its host with each command
//! what has to be durable before the response may leave, as one record of a
//! journal ([`Unwritten`]); all that a command changes is in one record, so
//! that a power cut leaves the state before it or after it and never a mix.
//! What is left out is volatile on a real card too: challenge and session,
//! segments of a package, channels, PINs verified.
//!
//! The journal holds keys and codes in the clear: its host has to protect it.

mod journal;
pub(crate) mod part;
mod restore;
mod shadow;

use alloc::vec::Vec;
use core::fmt;

use rsp_crypto::Provider;

use crate::card::Euicc;
use crate::personalisation::{Environment, Personalisation};
use shadow::Shadow;

/// A card that tells its host what to write.
///
/// A host keeps one journal for each card. It writes [`StoredEuicc::start_over`]
/// as the whole of it, in a way that leaves the old or the new journal (write
/// beside it, sync, rename), and appends each [`Unwritten::record`]. When the
/// journal has grown it starts over with a new image. If a write fails, the
/// card must not be used any further, but loaded again.
pub struct StoredEuicc {
    card: Euicc,
    shadow: Shadow,
    /// Number of the next record.
    next: u64,
}

/// A response that may leave when its record is durable.
#[must_use = "the response is within"]
pub struct Unwritten {
    record: Vec<u8>,
    response: Vec<u8>,
}

impl Unwritten {
    /// What to append to the journal; empty if the command changed nothing that
    /// lasts.
    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// The response, for who has made the record durable.
    pub fn written(self) -> Vec<u8> {
        self.response
    }
}

impl fmt::Debug for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unwritten")
            .field("record", &self.record.len())
            .field("response", &self.response.len())
            .finish()
    }
}

/// Why a journal does not give a card.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The octets are no journal of this version.
    #[error("not the memory of a card, or of an unknown version")]
    NotAJournal,
    /// Not even the first image is complete: there never was a card.
    #[error("the first image is not complete")]
    Empty,
    /// A record that was durable is not what was written. Going on from before
    /// it would repeat counters, so the card is not loaded.
    #[error("damaged at octet {offset}")]
    Damaged {
        /// Where the record begins.
        offset: usize,
    },
    /// A record is whole, and yet makes no card.
    #[error("{0} cannot be read")]
    Malformed(&'static str),
}

impl From<journal::Fault> for LoadError {
    fn from(fault: journal::Fault) -> LoadError {
        match fault {
            journal::Fault::NotAJournal => LoadError::NotAJournal,
            journal::Fault::Empty => LoadError::Empty,
            journal::Fault::Damaged { offset } => LoadError::Damaged { offset },
        }
    }
}

impl StoredEuicc {
    /// A card that was not stored before. Begin its journal with
    /// [`StoredEuicc::start_over`].
    pub fn new(card: Euicc) -> StoredEuicc {
        StoredEuicc {
            card,
            shadow: Shadow::default(),
            next: 0,
        }
    }

    /// The card that a journal describes, without power: [`StoredEuicc::reset`]
    /// comes next. `personalisation` is that of the card; what changes in use
    /// (default SM-DP+ address, next association token) comes from the journal.
    ///
    /// Gives the length of the journal that counts as well: beyond it is a
    /// record that was cut, and the host has to cut it off before it appends.
    ///
    /// # Errors
    /// If the journal is none, is damaged before its last record, or was
    /// written by something else.
    pub fn load(
        personalisation: Personalisation,
        journal: &[u8],
        provider: &dyn Provider,
    ) -> Result<(StoredEuicc, usize), LoadError> {
        let contents = journal::read(journal, provider)?;
        let parts = restore::collect(&contents.payloads)?;
        let mut card = Euicc::new(personalisation);
        restore::restore(&mut card.isdr, &parts, provider)?;
        let mut shadow = Shadow::default();
        // What is there need not be written again.
        shadow.take_changes(&mut card.isdr);
        let next = contents.payloads.len() as u64;
        let stored = StoredEuicc { card, shadow, next };
        Ok((stored, contents.length))
    }

    /// Begins a new journal: all that the card keeps. The records that follow
    /// belong to it.
    pub fn start_over(&mut self, provider: &dyn Provider) -> Vec<u8> {
        self.shadow = Shadow::default();
        self.next = 0;
        let mut out = journal::begin();
        out.extend(self.record(provider));
        out
    }

    /// What [`StoredEuicc::start_over`] would give. Two cards that keep the
    /// same have the same image.
    pub fn image(&self, provider: &dyn Provider) -> Vec<u8> {
        let (_, changes) = Shadow::default().compare(&self.card.isdr);
        let mut out = journal::begin();
        journal::append(&mut out, 0, &part::encode(&changes), provider);
        out
    }

    /// As [`Euicc::transmit`].
    pub fn transmit(&mut self, apdu: &[u8], env: &mut Environment<'_>) -> Unwritten {
        let response = self.card.transmit(apdu, env);
        let record = self.record(env.provider);
        Unwritten { record, response }
    }

    /// As [`Euicc::reset`].
    pub fn reset(&mut self, provider: &dyn Provider) -> Unwritten {
        let response = self.card.reset();
        let record = self.record(provider);
        Unwritten { record, response }
    }

    /// The card, for whom nothing is stored any more.
    pub fn into_card(self) -> Euicc {
        self.card
    }

    /// The card, to look at.
    pub fn card(&self) -> &Euicc {
        &self.card
    }

    fn record(&mut self, provider: &dyn Provider) -> Vec<u8> {
        let changes = self.shadow.take_changes(&mut self.card.isdr);
        let mut out = Vec::new();
        if !changes.is_empty() {
            journal::append(&mut out, self.next, &part::encode(&changes), provider);
            self.next += 1;
        }
        out
    }
}

impl fmt::Debug for StoredEuicc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredEuicc")
            .field("card", &self.card)
            .field("records", &self.next)
            .finish_non_exhaustive()
    }
}
