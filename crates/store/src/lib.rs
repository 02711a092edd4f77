//! State at rest.
//!
//! [`Store`] is the contract; [`SqliteStore`] is the engine that is compiled
//! in. [`EimHost`], [`SmdpHost`] and [`SmdsHost`] run the machines of `rsp-core` on a store:
//! load the state, let the machine take its step, commit what it gives in one
//! transaction, and only then hand the reply out. If somebody else changed the
//! state meanwhile, the step is taken again on the new state.
#![deny(missing_docs)]

mod about;
mod announce;
mod contract;
mod device;
mod eim;
mod index;
mod psk_contract;
mod relay;
mod smdp;
mod smdp_contract;
mod smds;
mod smds_contract;
mod sqlite;

pub use announce::{ChooseProfile, ChosenProfile};
pub use contract::{
    EuiccChange, Forwarding, OperationFilter, Outgoing, RelayChange, Store, StoreError,
    StoredEvidence, StoredRelay, Versioned,
};
pub use eim::{EimHost, EimReply, Observer};
pub use psk_contract::PskStore;
pub use relay::{Answer, Pending};
pub use smdp::{RefusalObserver, SmdpHost};
pub use smdp_contract::{
    ProfileStock, SmdpChange, SmdpNotification, SmdpStore, StoredSession, Waiting,
};
pub use smds::{Es12, SmdsHost};
pub use smds_contract::{
    AnnouncedEvent, AnnouncementStore, EventStage, SmdsStore, StoredSmdsSession,
};
pub use sqlite::SqliteStore;
