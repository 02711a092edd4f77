//! What is asked of all tenants at once. Nothing here is local to one shard but the
//! lookup by an EID.

use std::sync::Arc;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_core::Timestamp;
use rsp_core::eim::{Operation, OperationState};

use super::db::{Db, values};
use super::events::tenants;
use super::{SqlStore, changes, eim, holder, operations, psk};
use crate::access_contract::AccessStore;
use crate::bell::Bell;
use crate::contract::{Store, StoreError};
use crate::database::{Changes, Database, Telling};
use crate::door_contract::DoorStore;
use crate::engine::Engine;
use crate::happened::Counter;
use crate::import_contract::ImportStore;
use crate::psk_contract::HeldPsk;
use crate::tenant::Tenant;

impl<E: Engine> Database for SqlStore<E> {
    fn store(&self, tenant: Tenant) -> Arc<dyn Store> {
        Arc::new(self.of_tenant(tenant))
    }

    fn access(&self, tenant: Tenant) -> Arc<dyn AccessStore> {
        Arc::new(self.of_tenant(tenant))
    }

    fn door(&self, tenant: Tenant) -> Arc<dyn DoorStore> {
        Arc::new(self.of_tenant(tenant))
    }

    fn imports(&self, tenant: Tenant) -> Arc<dyn ImportStore> {
        Arc::new(self.of_tenant(tenant))
    }

    fn telling(&self, tenant: Tenant) -> Arc<dyn Telling> {
        Arc::new(self.of_tenant(tenant))
    }

    fn prove_writable(&self) -> Result<(), StoreError> {
        self.prove_writable()
    }

    fn tenants_to_number(&self) -> Result<Vec<Tenant>, StoreError> {
        self.tenants_to_number()
    }

    fn tenants_to_tell(&self, now: Timestamp) -> Result<Vec<Tenant>, StoreError> {
        self.tenants_to_tell(now)
    }

    fn tenants_to_export(&self, sink: &str) -> Result<Vec<(Tenant, i64)>, StoreError> {
        self.tenants_to_export(sink)
    }

    fn tenants_with_events(&self) -> Result<Vec<Tenant>, StoreError> {
        self.tenants_with_events()
    }

    fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let tree = format!("SELECT name FROM {TREE} WHERE ?1 <> ''");
        let top = Tenant::default();
        self.read(|db| tenants(db, &tree, values![top.as_str()]))
    }

    fn tenants_with_work(&self, now: Timestamp) -> Result<Vec<Tenant>, StoreError> {
        // Of each tenant the first that is due, by an index: however much waits.
        let due = format!(
            "SELECT name FROM {TREE} WHERE ?1 <> '' AND (
                 EXISTS (SELECT 1 FROM outbox WHERE outbox.tenant = tree.name
                             AND state = 'waiting' AND due <= ?3)
                 OR EXISTS (SELECT 1 FROM operation WHERE operation.tenant = tree.name
                                AND expires <= ?3)
                 OR EXISTS (SELECT 1 FROM activation_code
                            WHERE activation_code.tenant = tree.name AND due <= ?3))"
        );
        let top = Tenant::default();
        self.read(|db| tenants(db, &due, values![top.as_str(), now]))
    }

    fn euicc_index(&self, found: &mut dyn FnMut(&Tenant, Eid, bool)) -> Result<(), StoreError> {
        self.read(|db| eim::index_of_all(db, found))
    }

    fn bell(&self) -> Arc<Bell> {
        self.shared.engine.bell()
    }

    fn changes(&self, since: Option<i64>) -> Result<Option<Changes>, StoreError> {
        self.read(|db| changes::since(db, since))
    }

    fn forget_changes(&self, now: i64) -> Result<(), StoreError> {
        self.transact(|tx| changes::forget(tx, now))
    }

    fn put_contacts(&self, contacts: &[(Tenant, Vec<(Eid, Timestamp)>)]) -> Result<(), StoreError> {
        self.transact(|tx| {
            contacts.iter().try_for_each(|(tenant, contacts)| {
                let own = Db { tenant, ..*tx };
                eim::put_contacts(&own, contacts)
            })
        })
    }

    fn tenant_of_euicc(&self, eid: Eid) -> Result<Option<Tenant>, StoreError> {
        self.read(|db| holder::of(db, eid))
    }

    fn tenant_of_transaction(&self, id: &TransactionId) -> Result<Option<Tenant>, StoreError> {
        let select = "SELECT tenant FROM operation
             WHERE ?1 <> '' AND transaction_id = ?2 LIMIT 1";
        self.read(|db| Ok(tenants(db, select, values![id])?.pop()))
    }

    fn tenant_of_relay(&self, id: &TransactionId) -> Result<Option<Tenant>, StoreError> {
        let select = "SELECT tenant FROM relay_session
             WHERE ?1 <> '' AND transaction_id = ?2 ORDER BY kept_until DESC LIMIT 1";
        self.read(|db| Ok(tenants(db, select, values![id])?.pop()))
    }

    fn operations_in(
        &self,
        state: &str,
        limit: usize,
    ) -> Result<Vec<(Tenant, Operation)>, StoreError> {
        self.read(|db| operations::in_state_of_all(db, state, limit))
    }

    fn count_open_operations(&self) -> Result<Vec<(String, u64)>, StoreError> {
        // In each tenant a range of an index for each state, however much is done.
        let open = OperationState::OPEN.map(|state| format!("'{state}'"));
        let count = format!(
            "SELECT state, count(*) FROM {TREE} CROSS JOIN operation
             WHERE ?1 <> '' AND operation.tenant = tree.name AND state IN ({})
             GROUP BY state",
            open.join(", ")
        );
        let top = Tenant::default();
        self.read(|db| db.all(&count, values![top.as_str()]))
    }

    fn count_by(&self, counter: Counter) {
        self.counting().begin(counter);
    }

    fn held_psk(&self, identity: &str) -> Result<Option<HeldPsk>, StoreError> {
        self.read(|db| psk::of_all(db, identity))
    }
}

/// All tenants of the tree; `?2` is the one at its top.
const TREE: &str = "(SELECT name FROM access_tenant WHERE tenant = ?2
     UNION SELECT CAST(?2 AS TEXT) AS name) AS tree";
