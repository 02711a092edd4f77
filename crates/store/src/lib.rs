//! State at rest.
//!
//! [`Store`] is the contract; [`SqlStore`] keeps it on a database, in SQL that is
//! the same for each [`Engine`]. [`Eims`] with an [`EimHost`] for each tenant, [`SmdpHost`] and [`SmdsHost`] run the machines of `rsp-core` on a store:
//! load the state, let the machine take its step, commit what it gives in one
//! transaction, and only then hand the reply out. If somebody else changed the
//! state meanwhile, the step is taken again on the new state.
#![deny(missing_docs)]

mod about;
mod access_contract;
mod actor;
mod announce;
mod backup;
mod bell;
mod claim;
mod contacts;
mod contract;
mod counted;
mod database;
mod device;
mod device_contract;
mod devices;
mod door_contract;
mod eim;
mod eims;
mod engine;
mod events_contract;
mod happened;
mod import_contract;
mod index;
mod ledger_contract;
mod ordering;
mod others;
mod psk_contract;
mod relay;
mod smdp;
mod smdp_contract;
mod smds;
mod smds_contract;
mod sql;
mod tariff_contract;
mod tenant;
mod webhook_contract;
mod whose;

pub use access_contract::{AccessStore, StoredKey};
pub use actor::acting;
pub use announce::{ChooseProfile, ChosenProfile};
pub use backup::{BackupError, BackupHeader, BackupReport, BackupStep, BackupTable, Restoration};
pub use bell::{Bell, Listener, News};
pub use claim::{Claim, RequestKey, claimed};
pub use contract::{
    Contact, Due, EuiccChange, Forwarding, OperationFilter, Outgoing, RelayChange, Store,
    StoreError, StoredEvidence, StoredRelay, Versioned,
};
pub use database::{Changes, Database, Telling};
pub use device_contract::{
    DevicePage, DeviceStore, ImportedDevice, ProfileChange, SavedSearch, StoredDevice, Switched,
};
pub use door_contract::{
    ANSWERS_KEPT, CLAIM_HELD, Claimed, DoorStore, KeptAnswer, MOST_ANSWERED, MOST_ANSWERS,
    TouchRates,
};
pub use eim::{EimHost, EimReply, Observer};
pub use eims::{ChooseForTenant, Eims};
pub use engine::{
    BadUrl, Column, Connection, Engine, EngineError, FromColumn, FromRow, Postgres,
    PostgresSettings, Row, Sqlite, ToValue, Value,
};
pub use events_contract::{EventPage, EventQuery, EventStore, Export, ExportStore};
pub use happened::{Carried, Counter, Happened, Moved, Sampled};
pub use import_contract::{
    ImportReport, ImportState, ImportStore, MOST_ERRORS, REPORTS_KEPT, SWITCH_HEARD,
};
pub use ledger_contract::{KnownCode, LedgerStore, NewCode, WithCode};
pub use ordering::{FromPool, Ordered};
pub use psk_contract::{HeldPsk, PskStore};
pub use relay::{Answer, Pending};
pub use smdp::{RefusalObserver, SmdpHost};
pub use smdp_contract::{
    ProfileStock, SmdpChange, SmdpNotification, SmdpStore, StoredSession, Waiting,
};
pub use smds::{Es12, SmdsHost};
pub use smds_contract::{
    AnnouncedEvent, AnnouncementStore, EventStage, SmdsStore, StoredSmdsSession,
};
pub use sql::{PostgresStore, Restore, SqlStore, SqliteStore, Told};
pub use tariff_contract::{NamedTariff, TariffStore};
pub use tenant::{BadTenant, Tenant};
pub use webhook_contract::{
    Attempt, Delivery, DeliveryFilter, NextDelivery, Replay, Settled, StoredWebhook, TakenWebhook,
    WebhookStore,
};
