//! The card in a PC/SC reader: [`vpcd`] speaks the protocol of the virtual
//! reader driver, [`Pcscd`] runs a PC/SC daemon of one's own for tests and
//! [`Insertion`] puts a card into its reader.

mod insertion;
mod pcscd;
pub mod vpcd;

pub use insertion::{Insertion, Powered};
pub use pcscd::{Pcscd, PcscdError};
