//! The wire to a card: command APDUs out, responses in.
//!
//! With the feature `pcsc`, [`PcscChannel`] reaches a card in a PC/SC reader.
//! Responses that a card gives in pieces ('61xx') are collected by whoever
//! sends the commands, `rsp_core::ipa` for one.

#[cfg(feature = "pcsc")]
mod pcsc;

#[cfg(feature = "pcsc")]
pub use self::pcsc::{PcscChannel, Reader, readers};

/// A card that can be reached.
pub trait ApduChannel: Send {
    /// Sends a command APDU (ISO/IEC 7816-4) and gives the response: data and
    /// status word.
    ///
    /// # Errors
    /// If there is no response; the card may have executed the command all the
    /// same. After an error the card may have forgotten logical channels and
    /// selected applications.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ApduError>;

    /// Resets the card: it forgets logical channels and selected applications.
    ///
    /// # Errors
    /// If the card cannot be reached.
    fn reset(&mut self) -> Result<(), ApduError>;
}

/// Why there is no response of the card.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApduError {
    /// Readers cannot be asked for, since their service does not answer.
    #[error("the PC/SC service cannot be reached: {0}")]
    Service(String),
    /// There is no such reader.
    #[error("no reader {wanted}; there are: {present}")]
    NoReader {
        /// What was asked for.
        wanted: String,
        /// What there is.
        present: String,
    },
    /// More than one reader is meant.
    #[error("{wanted} may be each of these readers: {present}")]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// Those that fit.
        present: String,
    },
    /// No card is in the reader, or none that answers.
    #[error("no card in the reader {reader}: {error}")]
    NoCard {
        /// Which reader.
        reader: String,
        /// What the reader said.
        error: String,
    },
    /// Somebody else has the card for himself.
    #[error("somebody else uses the card in the reader {0}")]
    InUse(String),
    /// Somebody else has reset the card, or it was replaced: what was begun on
    /// it is gone.
    #[error("the card in the reader {0} was reset")]
    WasReset(String),
    /// The command or its response did not get through.
    #[error("reader {reader}: {error}")]
    Exchange {
        /// Which reader.
        reader: String,
        /// What the reader said.
        error: String,
    },
}
