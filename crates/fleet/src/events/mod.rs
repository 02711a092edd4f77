//! What happened, told to whoever asks or has asked to be told: CloudEvents 1.0
//! with a number for each tenant and no gap, and webhooks after Standard Webhooks.
//!
//! No event ever has a secret in it: no key, no activation code, no signed object.

mod address;
mod endpoint;
mod event;
mod filter;
mod kind;
mod operation;
mod schedule;
mod signature;

pub use address::{is_public, refuses};
pub use endpoint::{BadEndpoint, Disabled, WebhookEndpoint};
pub use event::{Event, NewEvent, UNNUMBERED};
pub use filter::{BadFilter, EventFilter, SubjectPattern, TypePattern};
pub use kind::{BadEventType, EventType, Severity};
pub use operation::of_operation;
pub use schedule::{Answer, GIVE_UP_AFTER, Next, next};
pub use signature::{BadSecret, WebhookSecret, signatures};
