//! A database with the rows of all tenants.

use std::sync::Arc;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::eim::Operation;

use crate::access_contract::AccessStore;
use crate::bell::Bell;
use crate::contract::{Store, StoreError};
use crate::door_contract::DoorStore;
use crate::events_contract::{EventStore, ExportStore};
use crate::happened::Counter;
use crate::import_contract::ImportStore;
use crate::psk_contract::HeldPsk;
use crate::tenant::Tenant;
use crate::webhook_contract::WebhookStore;

/// What became of eUICCs, in a database that other processes have open too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// When it was looked at, by the clock of the database, in milliseconds since
    /// 1970.
    pub until: i64,
    /// eUICCs that were added, forgotten or given work, with their tenants, and
    /// whether they have work now; `None` if they are not there any more.
    pub euiccs: Vec<(Tenant, Eid, Option<bool>)>,
}

/// What is told of a tenant, and whom.
pub trait Telling: EventStore + ExportStore + WebhookStore {}

impl<S: EventStore + ExportStore + WebhookStore> Telling for S {}

/// Gives the stores of tenants, which are all in one database.
pub trait Database: Send + Sync {
    /// What the roles keep of a tenant.
    fn store(&self, tenant: Tenant) -> Arc<dyn Store>;

    /// Who may come in to a tenant.
    fn access(&self, tenant: Tenant) -> Arc<dyn AccessStore>;

    /// What the door keeps of a tenant.
    fn door(&self, tenant: Tenant) -> Arc<dyn DoorStore>;

    /// How far the imports of a tenant are.
    fn imports(&self, tenant: Tenant) -> Arc<dyn ImportStore>;

    /// The events of a tenant and who is told of them.
    fn telling(&self, tenant: Tenant) -> Arc<dyn Telling>;

    /// Changes a row to what it is, on disk, and looks whether more would fit.
    ///
    /// # Errors
    /// If the engine cannot be reached or written.
    fn prove_writable(&self) -> Result<(), StoreError>;

    /// Tenants of which events have no number yet.
    ///
    /// # Errors
    /// If the engine fails.
    fn tenants_to_number(&self) -> Result<Vec<Tenant>, StoreError>;

    /// Tenants that have a webhook endpoint that is to be told something at a time.
    ///
    /// # Errors
    /// If the engine fails.
    fn tenants_to_tell(&self, now: Timestamp) -> Result<Vec<Tenant>, StoreError>;

    /// Tenants with events that have not gone to a place where all go
    /// ([`ExportStore`]), and how many of each about.
    ///
    /// # Errors
    /// If the engine fails.
    fn tenants_to_export(&self, sink: &str) -> Result<Vec<(Tenant, i64)>, StoreError>;

    /// Tenants that have events.
    ///
    /// # Errors
    /// If the engine fails.
    fn tenants_with_events(&self) -> Result<Vec<Tenant>, StoreError>;

    /// All tenants of the tree.
    ///
    /// # Errors
    /// If the engine fails.
    fn tenants(&self) -> Result<Vec<Tenant>, StoreError>;

    /// Tenants of the tree for which something is due: a notification to be forwarded,
    /// an operation whose validity ended, an activation code in doubt.
    ///
    /// # Errors
    /// If the engine fails.
    fn tenants_with_work(&self, now: Timestamp) -> Result<Vec<Tenant>, StoreError>;

    /// Hands over all eUICCs, and whether there are operations of them that are not
    /// final; one may come twice.
    ///
    /// # Errors
    /// If the engine fails.
    fn euicc_index(&self, found: &mut dyn FnMut(&Tenant, Eid, bool)) -> Result<(), StoreError>;

    /// What rings when something was committed that others wait for.
    fn bell(&self) -> Arc<Bell>;

    /// What became of eUICCs since a time by the clock of the database; without one
    /// only the clock is read. A transaction that took long may show up later with
    /// an earlier time. `None` if no other process can have the database open.
    ///
    /// # Errors
    /// If the engine fails.
    fn changes(&self, since: Option<i64>) -> Result<Option<Changes>, StoreError>;

    /// Forgets changes that are so old that every process has heard of them; `now`
    /// as in [`Changes::until`].
    ///
    /// # Errors
    /// If the engine fails.
    fn forget_changes(&self, now: i64) -> Result<(), StoreError>;

    /// As [`Store::put_contacts`], of several tenants in one transaction.
    ///
    /// # Errors
    /// If the engine fails.
    fn put_contacts(&self, contacts: &[(Tenant, Vec<(Eid, Timestamp)>)]) -> Result<(), StoreError>;

    /// Whose an eUICC is.
    ///
    /// # Errors
    /// If the engine fails.
    fn tenant_of_euicc(&self, eid: Eid) -> Result<Option<Tenant>, StoreError>;

    /// Whose a package is that was sent with this transaction
    /// ([`Store::euicc_of_transaction`]).
    ///
    /// # Errors
    /// If the engine fails.
    fn tenant_of_transaction(&self, id: &TransactionId) -> Result<Option<Tenant>, StoreError>;

    /// Whose a relayed download is, by its RSP session.
    ///
    /// # Errors
    /// If the engine fails.
    fn tenant_of_relay(&self, id: &TransactionId) -> Result<Option<Tenant>, StoreError>;

    /// Operations in one state, by its name, of all tenants, newest first.
    ///
    /// # Errors
    /// If the engine fails.
    fn operations_in(
        &self,
        state: &str,
        limit: usize,
    ) -> Result<Vec<(Tenant, Operation)>, StoreError>;

    /// How many operations of all tenants are in each state that is not final, by
    /// its name.
    ///
    /// # Errors
    /// If the engine fails.
    fn count_open_operations(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// Has somebody hear what transactions of this process did, of all tenants; the
    /// first who is to hear it does.
    fn count_by(&self, counter: Counter);

    /// The pre-shared key of an identity, and who has it.
    ///
    /// # Errors
    /// If the engine fails.
    fn held_psk(&self, identity: &str) -> Result<Option<HeldPsk>, StoreError>;
}
