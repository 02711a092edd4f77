//! The platform by which an operator reaches its profiles over the air (ES6 of
//! SGP.22): the sender of secured packets of SCP80, and the reader of what is
//! answered.
//!
//! | file | what |
//! |---|---|
//! | `command_packet` | protection of commands (ETSI TS 102 225 5.1, 3GPP TS 31.115 4.2) |
//! | `response_packet` | proof of receipt (TS 102 225 5.2) |
//! | `script` | commands and responses in either format (TS 102 226 5) |
//! | `short_message` | what the network makes of a packet, and how a device hands it to its card |
//!
//! It shares nothing with the card but primitives and types.

mod command_packet;
mod response_packet;
mod script;
mod short_message;

pub use command_packet::{CounterRule, OtaKeys, Proof, Security};
pub use response_packet::{InvalidProof, ProofOfReceipt};
pub use script::{InvalidResponse, ScriptResponse, compact, expanded, store_data};
pub use short_message::{Delivered, deliver, envelopes, submitted};
