//! Conformance suites for anybody's eIM, IPAd, eUICC, SM-DP+ and SM-DS: each
//! case is a black-box conversation with a subject that is chosen at run time.
//!
//! The suites judge with code of their own, on the wire types and the
//! cryptographic primitives alone: what plays the counterpart here (a signer
//! of packages, a server that binds, a card that signs) is written by hand for
//! one case after the other and shares no rules with the product. Wires are
//! the caller's: a suite asks for a [`Card`] or an [`Http`].

mod case;
pub mod codec;
mod der;
mod eids;
pub mod eim;
pub mod euicc;
pub mod ipad;
mod junit;
mod played;
mod report;
pub mod smdp;
pub mod smds;
mod software_card;
mod wire;

pub use case::{Case, Check, Stop};
pub use junit::junit;
pub use report::{Outcome, Report, Selection, Step, Verdict, run};
pub use software_card::SoftwareCard;
pub use wire::{Answers, Card, Certificates, Http, HttpMessage, HttpReply, Played};
