//! The card: a software eUICC for IoT (SGP.32), or for consumer devices
//! (SGP.22), spoken to with APDUs.
//!
//! It is the card's own reading of the standards and shares no rules with the
//! servers it meets: certificates, packages and profile protection are
//! verified here from the bytes as received.
//!
//! | module | what |
//! |---|---|
//! | `card`, `apdu`, `channel`, `store_data` | APDUs, logical channels, command chains |
//! | `isdr`, `state`, `session` | the ISD-R: functions, what stays, what is lost with power |
//! | `es10` | one file per function of ES10a, ES10b, ES10c |
//! | `memory` | what is kept without power, and how a host stores it |
//! | `package`, `switch` | eUICC Packages, their effect on profiles |
//! | `cat` | what the terminal is asked for: REFRESH, timers, channels |
//! | `ipae`, `tls` | the IPA in the card, and how it is protected |
//! | `ota` | what the operator of the enabled profile does over the air (ES6) |
//! | `association`, `mechanisms` | eIMs; fallback, emergency profile, immediate enabling |
//! | `bootstrap` | profiles from the factory |
//! | `record` | what a card did, for who watches a test |
//! | `bsp`, `certificate` | profile protection (receiving side), certificates of servers |
//! | `signers` | the card's own keys and chains, one for each CI |
//! | [`uicc`] | profiles: installer, file system, authentication |
//!
//! The crate reads no clock, file, environment or random source.
#![no_std]
#![deny(missing_docs)]

extern crate alloc;

mod apdu;
mod association;
mod bootstrap;
mod bsp;
mod card;
mod cat;
mod certificate;
mod channel;
mod es10;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod ipae;
mod isdr;
mod mechanisms;
mod memory;
mod notification_store;
mod ota;
mod package;
mod personalisation;
mod record;
mod session;
mod signers;
mod state;
mod store_data;
mod switch;
mod tls;
pub mod uicc;

pub use bootstrap::{BootstrapError, BootstrapProfile};
pub use card::Euicc;
pub use memory::{LoadError, StoredEuicc, Unwritten};
pub use personalisation::{CiKey, Environment, EuiccKind, IpaeSettings, KeySet, Personalisation};
pub use record::{Deed, Record};
pub use store_data::MAX_COMMAND;
