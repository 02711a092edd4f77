//! The UICC that a profile is: how it is made from a profile package, and how
//! it answers a terminal.
//!
//! [`Installer`] takes a profile package (TCA SAIP 2.1 to 3.3) in pieces of any
//! size and makes a [`Uicc`], which answers APDUs by the rules of ETSI TS 102
//! 221 and 3GPP TS 31.102/31.103.
//!
//! | module | rules |
//! |---|---|
//! | `install` | the elements of a package, one function family each (SAIP 8) |
//! | `template` | the files of the templates (SAIP Annex A) |
//! | `fs` | the file tree and links |
//! | `access`, `codes` | who may read and write; PINs and PUKs (TS 102 221 9) |
//! | `aka`, `algorithm` | sequence numbers (3GPP TS 33.102 Annex C); keys and functions |
//! | `remote` | the files as the operator reaches them over the air (TS 102 226) |
//! | `connectivity` | what a profile says of its bearer |
//! | `command` | the commands (TS 102 221 11, TS 31.102 7) |

mod access;
mod aka;
mod algorithm;
mod apdu;
mod card;
mod codes;
mod command;
mod connectivity;
mod fcp;
mod fs;
pub(crate) mod hex;
mod install;
mod remote;
mod stored;
mod template;

pub use card::Uicc;
pub use install::{InstallError, Installer};
pub(crate) use remote::{AccessDomain, ChangedFiles};
